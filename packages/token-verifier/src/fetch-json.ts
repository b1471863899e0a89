export type Fetch = typeof globalThis.fetch

const MAX_BYTES = 8 * 1024 * 1024
const LONGEST_RETRY_AFTER_MS = 60_000

interface Answer {
  status: number
  headers: Headers
  /** Parsed, if the status is 200 and it is JSON. */
  body: unknown
}

/**
 * One request whose answer, body included, has to be there in time. Follows no redirects: the address of an
 * issuer is configured, not discovered.
 *
 * @throws Error if it fails, takes too long, is too large, or a 200 is not JSON.
 */
export async function fetchJson(
  url: string,
  options: RequestInit & { timeoutMs: number; fetch?: Fetch | undefined },
): Promise<Answer> {
  const { timeoutMs, fetch = globalThis.fetch, signal, ...init } = options
  const limit = AbortSignal.timeout(timeoutMs)
  const response = await fetch(url, {
    ...init,
    redirect: 'error',
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  })
  const text = await readText(response)
  const body: unknown = response.status === 200 ? JSON.parse(text) : undefined
  return { status: response.status, headers: response.headers, body }
}

/** The URL without slashes at its end, so that a path can follow. */
export function baseUrl(url: string): string {
  return url.replace(/\/+$/, '')
}

/** The issuer refuses what it was asked, and will refuse it again: by 401 a wrong secret, by 429 too much. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  /** For how long nothing is to be asked (RFC 9110 section 10.2.3), in ms. */
  readonly retryAfterMs: number

  constructor(message: string, headers: Headers) {
    super(message)
    const delay = Number(headers.get('retry-after'))
    this.retryAfterMs = delay > 0 ? Math.min(delay * 1000, LONGEST_RETRY_AFTER_MS) : 0
  }
}

async function readText(response: Response): Promise<string> {
  if (!response.body) return ''
  const chunks: AsyncIterable<Uint8Array> = response.body
  const decoder = new TextDecoder()
  let text = ''
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.byteLength
    if (size > MAX_BYTES) throw new Error('the answer is too large')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
