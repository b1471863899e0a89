/** How long after an answer that did not come the request is sent again. */
const DELAYS_MS = [250, 1000]
const LONGEST_DELAY_MS = 2000
/** A gateway that does not know what became of the request; or a service that could not say. */
const UNCERTAIN = new Set([502, 503, 504])

/**
 * Sends a request that may be repeated, up to three times, until an answer comes through. An error that says what is
 * wrong is an answer. `signal` ends the wait for the next attempt; ending an attempt is the affair of `attempt`.
 *
 * @throws what the last attempt throws, or the reason of `signal`.
 */
export async function insist(
  attempt: () => Promise<Response>,
  signal: AbortSignal | null = null,
): Promise<Response> {
  for (const delay of DELAYS_MS) {
    try {
      const response = await whole(await attempt())
      const wait = Math.max(delay, retryAfterMs(response))
      if (!isUncertain(response) || wait > LONGEST_DELAY_MS) return response
      await sleep(wait, signal)
    } catch (error) {
      if (signal?.aborted) throw error
      await sleep(delay, signal)
    }
    signal?.throwIfAborted()
  }
  return whole(await attempt())
}

/** An answer of which the beginning alone has come is none. */
async function whole(response: Response): Promise<Response> {
  await response.clone().arrayBuffer()
  return response
}

function isUncertain(response: Response): boolean {
  // The first request with the same Idempotency-Key is still under way.
  const isRunning = response.status === 409 && response.headers.has('retry-after')
  return isRunning || UNCERTAIN.has(response.status)
}

function retryAfterMs(response: Response): number {
  return Number.parseInt(response.headers.get('retry-after') ?? '0', 10) * 1000 || 0
}

/** Wakes up early if `signal` aborts. */
async function sleep(ms: number, signal: AbortSignal | null): Promise<void> {
  if (signal?.aborted) return
  const { promise: over, resolve } = Promise.withResolvers<void>()
  const wake = () => resolve()
  const timer = setTimeout(wake, ms)
  signal?.addEventListener('abort', wake)
  await over
  clearTimeout(timer)
  signal?.removeEventListener('abort', wake)
}
