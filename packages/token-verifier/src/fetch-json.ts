export type Fetch = typeof globalThis.fetch

const MAX_BYTES = 8 * 1024 * 1024

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
