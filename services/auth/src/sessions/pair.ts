import { randomUUID } from 'node:crypto'
import type { TokenPair } from '@portcullis/schemas'
import type { Keyring } from '../keys/keyring.ts'
import { userClaims } from '../tokens/access.ts'

export interface PairUser {
  readonly id: string
  readonly username: string
  readonly roles: readonly string[]
  readonly ver: number
  /** That of the revocation log when the user was read. */
  readonly epoch: number
}

/** The columns of a session that its refresh token is made of. */
export interface PairSession {
  readonly id: string
  readonly gen: number
  readonly refresh_kid: string
  readonly issued_at: Date
  readonly expires_at: Date
  readonly ends_at: Date
}

export interface TokenOptions {
  readonly issuer: string
  readonly audience: string
  readonly accessTtlSeconds: number
}

/**
 * The token pair of a session's current generation: a fresh access token, and the one refresh token that this
 * generation has.
 *
 * @param now milliseconds since 1970
 * @returns undefined if the key of the refresh token verifies no more, which ends the session
 */
export function issuePair(
  keyring: Keyring,
  options: TokenOptions,
  user: PairUser,
  session: PairSession,
  now: number,
): TokenPair | undefined {
  const refreshKey = keyring.refreshKey(session.refresh_kid)
  if (!refreshKey) return undefined
  const nowSeconds = Math.floor(now / 1000)
  const ttlSeconds = Math.min(options.accessTtlSeconds, seconds(session.ends_at) - nowSeconds)
  const claims = userClaims(
    {
      userId: user.id,
      username: user.username,
      roles: user.roles,
      ver: user.ver,
      sessionId: session.id,
      gen: session.gen,
      epoch: user.epoch,
    },
    { issuer: options.issuer, audience: options.audience, now: nowSeconds, ttlSeconds, jti: randomUUID() },
  )
  return {
    access_token: keyring.signAccess(claims),
    refresh_token: refreshKey.sign({
      aud: options.issuer,
      sub: user.id,
      sid: session.id,
      gen: session.gen,
      iat: seconds(session.issued_at),
      exp: seconds(session.expires_at),
    }),
    token_type: 'Bearer',
    expires_in: ttlSeconds,
    refresh_expires_in: seconds(session.expires_at) - nowSeconds,
  }
}

function seconds(time: Date): number {
  return Math.floor(time.getTime() / 1000)
}
