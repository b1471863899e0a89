import { Type } from 'typebox'
import { Compile } from 'typebox/schema'
import { elapsed, instant, type Clock, type Instant } from '../clock.ts'
import { baseUrl, fetchJson, RefusedError, type Fetch } from '../fetch-json.ts'
import { httpUrl } from '../options.ts'

const TIMEOUT_MS = 1000
/** A token is fetched anew while the one in use still lives for so long, or for half of its life if that is less. */
const SPARE_MS = 30_000

const answerOf = Compile(
  Type.Object({ access_token: Type.String({ minLength: 1 }), expires_in: Type.Number({ minimum: 1 }) }),
)

export interface ClientTokenOptions {
  authUrl: string
  clientId: string
  clientSecret: string
  /** Space-separated. Default `revocations:read`. */
  scope?: string | undefined
  clock: Clock
  fetch?: Fetch | undefined
}

/** The access token of a registered client (RFC 6749 section 4.4), fetched when needed and used until it ends. */
export class ClientToken {
  readonly #options: ClientTokenOptions
  #held: { token: string; at: Instant; lifeMs: number } | undefined

  /** @throws TypeError if `authUrl` is no URL of HTTP, or has a user and a password */
  constructor(options: ClientTokenOptions) {
    httpUrl('authUrl', options.authUrl)
    this.#options = options
  }

  /** @throws RefusedError if the issuer gives this client none, Error if none can be had now. */
  async get(signal?: AbortSignal): Promise<string> {
    const held = this.#held
    if (held && elapsed(this.#options.clock, held.at) < held.lifeMs) return held.token
    const at = instant(this.#options.clock)
    const { authUrl, clientId, clientSecret, scope = 'revocations:read', fetch } = this.#options
    const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)
    const { status, headers, body } = await fetchJson(`${baseUrl(authUrl)}/oauth/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${basic.toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
      timeoutMs: TIMEOUT_MS,
      fetch,
      ...(signal && { signal }),
    })
    if (status >= 400 && status < 500)
      throw new RefusedError(`the token endpoint answered client ${clientId} with ${status}`, headers)
    if (status !== 200 || !answerOf.Check(body)) throw new Error(`the token endpoint answered with ${status}`)
    const lifeMs = body.expires_in * 1000
    this.#held = { token: body.access_token, at, lifeMs: lifeMs - Math.min(SPARE_MS, lifeMs / 2) }
    return body.access_token
  }

  /** It was refused: the next `get` fetches another. */
  forget(): void {
    this.#held = undefined
  }
}
