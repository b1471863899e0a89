import { randomUUID } from 'node:crypto'
import { Type } from 'typebox'
import { Compile } from 'typebox/schema'
import { LOGIN_CLIENT_ID, type Jwk, type RevocationKind } from '@portcullis/schemas'
import type { FakeClock } from './clock.ts'
import type { FeedServer } from './feed-server.ts'
import type { RevocationLog } from './revocation-log.ts'
import { createSigningKey, type SigningKey } from './signing-key.ts'

/** The registered client that verifiers of a test issuer are. */
export const TEST_CLIENT = { id: 'test-verifier', secret: 'test-secret', scope: 'revocations:read' }
const TTL_SECONDS = 900

export interface IssuerOptions {
  /** Default `test`. */
  audience?: string
  algorithm?: Jwk['alg']
  clock?: FakeClock
}

/** What `startIssuer` puts together. */
export interface IssuerParts extends IssuerOptions {
  url: string
  clock: FakeClock
  log: RevocationLog
  feed: FeedServer
}

export interface MintOptions {
  /** The user's name. The same name is the same user each time. Default `ada`. */
  user?: string
  /** Default `['user']`. */
  roles?: readonly string[]
  /** Default: a new session each time. */
  session?: string
  expiresInSeconds?: number
  /** Claims that replace or add to what is above, right or wrong. */
  claims?: Record<string, unknown>
  /** The same for the header. */
  header?: Record<string, unknown>
}

export interface MintClientOptions {
  clientId?: string
  /** Space-separated. */
  scope?: string
  expiresInSeconds?: number
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
}

/** What to revoke: a token (its session, or the client's token alone), all that a user or client has, or one thing by name. */
export type Revocable =
  string | { user: string } | { client: string } | { kind: RevocationKind; key: string; value?: number }

/**
 * Stands in for auth in the tests of a resource server: signs tokens, publishes its keys and serves its
 * revocation log over HTTP on a free port. `verifierOptions` are made for `createVerifier`.
 */
export class TestIssuer {
  readonly url: string
  readonly audience: string
  readonly clock: FakeClock
  readonly log: RevocationLog
  readonly #feed: FeedServer
  readonly #algorithm: Jwk['alg']
  readonly #users = new Map<string, { id: string; version: number }>()
  readonly #clients = new Map<string, number>()
  #active: SigningKey
  /** Signs after the next rotation, and is published ahead, so that verifiers know it by then. */
  #standby: SigningKey
  /** Signed before, and is still good. */
  #retired: readonly SigningKey[] = []

  constructor(parts: IssuerParts) {
    this.url = parts.url
    this.audience = parts.audience ?? 'test'
    this.clock = parts.clock
    this.log = parts.log
    this.#feed = parts.feed
    this.#algorithm = parts.algorithm ?? 'ES256'
    this.#active = createSigningKey(this.#algorithm)
    this.#standby = createSigningKey(this.#algorithm)
  }

  /** The key that signs now. */
  get key(): SigningKey {
    return this.#active
  }

  get jwksUrl(): string {
    return `${this.url}/.well-known/jwks.json`
  }

  get jwks(): { keys: Jwk[] } {
    return { keys: [...this.#retired, this.#active, this.#standby].map(({ jwk }) => jwk) }
  }

  /** All that a verifier of this issuer's tokens needs to know. */
  get verifierOptions() {
    return {
      issuer: this.url,
      audience: this.audience,
      algorithm: this.#algorithm,
      jwksUrl: this.jwksUrl,
      clientId: TEST_CLIENT.id,
      feed: { authUrl: this.url, clientSecret: TEST_CLIENT.secret },
      clock: this.clock,
    }
  }

  /** The access token of a user who has logged in. */
  mint(options: MintOptions = {}): string {
    const { user = 'ada', roles = ['user'], session = randomUUID() } = options
    const { id, version } = this.#user(user)
    const claims = {
      sub: id,
      client_id: LOGIN_CLIENT_ID,
      ver: version,
      sid: session,
      gen: 1,
      roles,
      username: user,
    }
    return this.#sign(claims, options)
  }

  /** The access token of a registered client. */
  mintClient(options: MintClientOptions = {}): string {
    const { clientId = 'client', scope = '' } = options
    return this.#sign(
      { sub: clientId, client_id: clientId, ver: this.#clients.get(clientId) ?? 1, scope },
      options,
    )
  }

  /** Revokes; when it resolves, every verifier that follows this issuer refuses. */
  async revoke(target: Revocable): Promise<void> {
    if (typeof target === 'string') this.#revokeToken(target)
    else if ('user' in target) {
      const user = this.#user(target.user)
      this.log.append('user', user.id, ++user.version)
    } else if ('client' in target) {
      const version = (this.#clients.get(target.client) ?? 1) + 1
      this.#clients.set(target.client, version)
      this.log.append('client', target.client, version)
    } else this.log.append(target.kind, target.key, target.value)
    await this.#feed.settled()
  }

  /**
   * Signs with the next key from now on. The old one stays published, unless it is compromised: then its tokens
   * are dead, and when this resolves every verifier refuses them.
   */
  async rotate(options: { compromised?: boolean } = {}): Promise<void> {
    const old = this.#active
    this.#retired = options.compromised ? [] : [...this.#retired, old]
    this.#active = this.#standby
    this.#standby = createSigningKey(this.#algorithm)
    if (options.compromised) await this.revoke({ kind: 'key', key: old.kid })
  }

  /** Kills every token that there is; when it resolves, every verifier knows. */
  async raiseEpoch(): Promise<void> {
    this.log.raiseEpoch()
    await this.#feed.settled()
  }

  /** Lets time pass, and the verifiers hear of the log in the new present. */
  async advance(ms: number): Promise<void> {
    this.clock.advance(ms)
    await this.#feed.refresh()
  }

  /** A token with these claims and no others, for what no issuer would sign. */
  sign(claims: object, header: Record<string, unknown> = {}): string {
    return this.#active.sign(claims, header)
  }

  /** What the token endpoint answers; undefined for anybody but `TEST_CLIENT`. */
  clientToken(clientId: string, secret: string): object | undefined {
    if (clientId !== TEST_CLIENT.id || secret !== TEST_CLIENT.secret) return undefined
    const { scope } = TEST_CLIENT
    const token = this.mintClient({ clientId, scope })
    return { access_token: token, token_type: 'Bearer', expires_in: TTL_SECONDS, scope }
  }

  /** Whether the token is one that has not expired. Its signature is not looked at. */
  isCurrent(token: string | undefined): boolean {
    return token !== undefined && readClaims(token).exp * 1000 > this.clock.now()
  }

  #sign(claims: object, options: Pick<MintOptions, 'expiresInSeconds' | 'claims' | 'header'>): string {
    const iat = Math.floor(this.clock.now() / 1000)
    const common = {
      iss: this.url,
      aud: this.audience,
      iat,
      exp: iat + (options.expiresInSeconds ?? TTL_SECONDS),
    }
    const own = { ...common, jti: randomUUID(), ep: this.log.head.epoch, ...claims, ...options.claims }
    return this.sign(own, options.header)
  }

  #revokeToken(token: string): void {
    const claims = readClaims(token)
    if (claims.sid !== undefined) this.log.append('session', claims.sid)
    else this.log.append('token', claims.jti)
  }

  #user(name: string): { id: string; version: number } {
    const user = this.#users.get(name) ?? { id: randomUUID(), version: 1 }
    this.#users.set(name, user)
    return user
  }
}

const decoded = Compile(
  Type.Object({ jti: Type.String(), exp: Type.Number(), sid: Type.Optional(Type.String()) }),
)

function readClaims(token: string) {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  if (!decoded.Check(claims)) throw new Error('not an access token')
  return claims
}
