import { insist } from './insist.ts'
import type { Session } from './session.ts'

export type Fetch = (request: Request) => Promise<Response>

/**
 * `fetch` with the session's access token. If it is refused as invalid, the session is refreshed and the request sent
 * once more. A request with an `Idempotency-Key` is also repeated when its answer was lost.
 *
 * A request that has an `Authorization` header already is sent as it is. If the session cannot be refreshed because it
 * has ended, the answer is the 401; if auth cannot tell now, the answer is auth's.
 */
export function authorizedFetch(session: Session, fetch: Fetch) {
  // What waits holds on to the request itself: in Node a copy follows the signal only until it is collected.
  const send = (request: Request, token?: string) =>
    request.headers.has('idempotency-key')
      ? insist(() => fetch(copyOf(request, token)), request.signal)
      : fetch(token === undefined ? request : copyOf(request, token))

  return async (input: Request | string | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    const token = request.headers.has('authorization') ? undefined : await session.accessToken()
    if (token === undefined) return send(request)
    const response = await send(request, token)
    if (!isTokenRefused(response)) return response
    // Before a refresh is asked for whose failure nobody would take.
    request.signal.throwIfAborted()
    const renewal = await unlessAborted(session.renew(token), request.signal)
    if (renewal === undefined) return response
    await response.body?.cancel()
    return 'failure' in renewal ? renewal.failure.clone() : send(request, renewal.token)
  }
}

/** What others wait for as well goes on when one of them waits no longer. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
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
