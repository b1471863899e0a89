import { reasonOf } from '../dev/stop-error.ts'

/** What became of one request. */
export interface Result {
  readonly request: string
  /** Both by `performance.now()`. */
  readonly began: number
  readonly ended: number
  /** 0 if there was no answer. */
  readonly status: number
  readonly hasRetryAfter: boolean
  /** Why there was no answer. */
  readonly reason: string
}

/** Longer than any answer may take. */
const PATIENCE_MS = 8000

export interface RequestOptions {
  readonly token?: string
  readonly body?: object
}

/** Makes a request below `/api/v1`; what became of it, and the answer if it is one. Never throws. */
export async function send(
  origin: string,
  method: string,
  path: string,
  { token, body }: RequestOptions = {},
): Promise<{ result: Result; answer: unknown }> {
  const request = `${method} ${path.split(/[?]|\/[0-9a-f-]{36}/, 1)[0]}`
  const began = performance.now()
  try {
    const response = await fetch(`${origin}/api/v1${path}`, {
      method,
      signal: AbortSignal.timeout(PATIENCE_MS),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const ended = performance.now()
    const { status } = response
    const hasRetryAfter = response.headers.has('retry-after')
    const result = { request, began, ended, status, hasRetryAfter, reason: status < 500 ? '' : text }
    return { result, answer: status < 500 ? JSON.parse(text) : undefined }
  } catch (error) {
    const reason = reasonOf(error)
    const ended = performance.now()
    return { result: { request, began, ended, status: 0, hasRetryAfter: false, reason }, answer: undefined }
  }
}
