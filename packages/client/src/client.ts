import createFetchClient, { type Client } from 'openapi-fetch'
import { authorizedFetch, type Fetch } from './authorized-fetch.ts'
import type { paths as AuthPaths } from './generated/auth.ts'
import type { paths as ContentPaths } from './generated/content.ts'
import { insist } from './insist.ts'
import { memoryStorage } from './memory-storage.ts'
import { followCalls, followedFetch } from './operations.ts'
import { Session, type SessionView } from './session.ts'
import type { TokenStorage } from './tokens.ts'

/** A refresh that takes longer counts as lost; three of them fit into the 10 s within which auth repeats its answer. */
const REFRESH_TIMEOUT_MS = 2500

export interface ClientOptions {
  /** Where auth is reached, and content too if no other address is given: `https://api.example.com`. */
  readonly url: string
  readonly contentUrl?: string
  /** Where tokens are kept. Default {@link memoryStorage}. */
  readonly storage?: TokenStorage
  /** Default `globalThis.fetch`, which is to be given both the request and what comes beside it. */
  readonly fetch?: Fetch
}

export interface PortcullisClient {
  /** auth's operations, typed by its OpenAPI document; see openapi-fetch. */
  readonly auth: Client<AuthPaths>
  /** content's operations. */
  readonly content: Client<ContentPaths>
  readonly session: SessionView
  /**
   * `fetch` for services of one's own: sends the access token, refreshes it if it is refused with
   * `WWW-Authenticate: Bearer error="invalid_token"`, and then tries once more. The token goes wherever this is sent.
   */
  fetch(input: Request | string | URL, init?: RequestInit): Promise<Response>
  /** Stops listening to what other tabs do. */
  close(): void
}

/**
 * A client of auth and content for one session: whoever logs in with it is whom its calls are made for.
 *
 * Calls never throw because of an answer; {@link unwrap} makes them. They reject as `fetch` does when there is none.
 *
 * @throws TypeError if there is no `url`.
 */
export function createClient(options: ClientOptions): PortcullisClient {
  const { url, contentUrl = url, storage = memoryStorage(), fetch = globalThis.fetch } = options
  // Out of an environment, where a compiler does not see that it is missing.
  if (typeof url !== 'string') throw new TypeError('url must be a text')
  const plainFetch: Fetch = (request, init) => fetch(request, init)
  const refreshUrl = `${url.replace(/\/$/, '')}/api/v1/refresh`
  const session = new Session(storage, (refreshToken) =>
    insist(() => refresh(plainFetch, refreshUrl, refreshToken)),
  )
  const sessionFetch = authorizedFetch(session, plainFetch)
  const authFetch = authorizedFetch(session, followedFetch(session, plainFetch))
  const auth = createFetchClient<AuthPaths>({ baseUrl: url, fetch: authFetch })
  const content = createFetchClient<ContentPaths>({ baseUrl: contentUrl, fetch: sessionFetch })
  auth.use(followCalls(session, authFetch))
  content.use(followCalls(session, sessionFetch))
  return { auth, content, session, fetch: sessionFetch, close: () => session.close() }
}

function refresh(fetch: Fetch, url: string, refreshToken: string): Promise<Response> {
  const signal = AbortSignal.timeout(REFRESH_TIMEOUT_MS)
  const request = new Request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refresh_token: refreshToken }),
    signal,
  })
  // Beside the request as well, which in Node follows the signal only until it is collected.
  return fetch(request, { signal })
}
