import { insist } from './insist.ts'
import type { Session } from './session.ts'

/** `init` is to be handed on with the request: it has the signal that in Node a request may lose. */
export type Fetch = (request: Request, init?: RequestInit) => Promise<Response>

/** The requests of callers, by what is read of their answers. */
const asked = new WeakMap<ReadableStream, Request>()

/**
 * `fetch` with the session's access token. If it is refused as invalid, the session is refreshed and the request sent
 * once more. A request with an `Idempotency-Key` is also repeated when its answer was lost.
 *
 * A request that has an `Authorization` header already is sent as it is. If the session cannot be refreshed because it
 * has ended, the answer is the 401; if auth cannot tell now, the answer is auth's.
 */
export function authorizedFetch(session: Session, fetch: Fetch) {
  const answerTo = async (request: Request, signal: AbortSignal | null): Promise<Response> => {
    const init = initOf(request, signal)
    const send = (token?: string) =>
      request.headers.has('idempotency-key')
        ? insist(() => fetch(copyOf(request, token), init), signal)
        : fetch(token === undefined ? request : copyOf(request, token), init)

    const token = request.headers.has('authorization') ? undefined : await session.accessToken()
    if (token === undefined) return send()
    const response = await send(token)
    if (!isTokenRefused(response)) return response
    // A caller who waits no longer needs no refresh.
    signal?.throwIfAborted()
    const renewal = await unlessAborted(session.renew(token), signal)
    if (renewal === undefined) return response
    await response.body?.cancel()
    return 'failure' in renewal ? renewal.failure.clone() : send(renewal.token)
  }

  return async (input: Request | string | URL, init?: RequestInit): Promise<Response> => {
    const response = await answerTo(new Request(input, init), signalOf(input, init))
    // The signal of the caller's request is good for as long as that lives: until all of the answer is read.
    if (input instanceof Request && response.body) asked.set(response.body, input)
    return response
  }
}

/** The signal of a caller, and not that of a copy: in Node a request follows a signal only until it is collected. */
function signalOf(input: Request | string | URL, init?: RequestInit): AbortSignal | null {
  if (init?.signal !== undefined) return init.signal
  return input instanceof Request ? input.signal : null
}

/** What is given to `fetch` beside a request: the signal, and what a request forgets when anything is given beside it. */
function initOf(request: Request, signal: AbortSignal | null): RequestInit {
  return { signal, referrer: request.referrer, referrerPolicy: request.referrerPolicy }
}

/** Stops waiting when the signal aborts; the work itself goes on, for others who wait for it. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | null): Promise<T> {
  if (signal === null) return work
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function copyOf(request: Request, token?: string): Request {
  const copy = request.clone()
  if (token !== undefined) copy.headers.set('authorization', `Bearer ${token}`)
  return copy
}

/** Not a wrong password, which is a 401 as well (RFC 6750 section 3.1). */
function isTokenRefused(response: Response): boolean {
  return (
    response.status === 401 &&
    (response.headers.get('www-authenticate') ?? '').includes('error="invalid_token"')
  )
}
