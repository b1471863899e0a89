import { createSigner } from 'fast-jwt'
import { ACCESS_TYP, LOGIN_CLIENT_ID, type ClientClaims, type UserClaims } from '@portcullis/schemas'

/** A key that signs access tokens. */
export interface SigningKey {
  readonly kid: string
  readonly alg: 'ES256' | 'RS256'
  /** PKCS #8, PEM. */
  readonly privateKey: string
}

export type SignAccess = (claims: UserClaims | ClientClaims) => string

/** Signs access tokens (RFC 9068) with one key. */
export function createAccessSigner(key: SigningKey): SignAccess {
  const sign = createSigner({
    algorithm: key.alg,
    key: key.privateKey,
    kid: key.kid,
    header: { alg: key.alg, typ: ACCESS_TYP },
  })
  return (claims) => sign(claims)
}

export interface AccessSubject {
  readonly userId: string
  readonly username: string
  readonly roles: readonly string[]
  readonly ver: number
  readonly sessionId: string
  readonly gen: number
  readonly epoch: number
}

/** The claims of a user's access token: RFC 9068 section 2.2, and what revocation needs. Times are seconds since 1970. */
export function userClaims(
  subject: AccessSubject,
  issue: { issuer: string; audience: string; now: number; ttlSeconds: number; jti: string },
): UserClaims {
  return {
    iss: issue.issuer,
    aud: issue.audience,
    sub: subject.userId,
    exp: issue.now + issue.ttlSeconds,
    iat: issue.now,
    jti: issue.jti,
    client_id: LOGIN_CLIENT_ID,
    ep: subject.epoch,
    ver: subject.ver,
    sid: subject.sessionId,
    gen: subject.gen,
    roles: [...subject.roles],
    username: subject.username,
  }
}
