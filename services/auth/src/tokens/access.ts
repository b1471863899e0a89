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

/** By whom, for whom and when a token is issued. Times are seconds, those of the clock since 1970. */
export interface Issue {
  readonly issuer: string
  readonly audience: string
  readonly now: number
  readonly ttlSeconds: number
  readonly jti: string
}

/** The claims of a user's access token: RFC 9068 section 2.2, and what revocation needs. */
export function userClaims(subject: AccessSubject, issue: Issue): UserClaims {
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

export interface ClientSubject {
  readonly clientId: string
  readonly ver: number
  readonly epoch: number
  /** Separated by spaces. */
  readonly scope: string
}

/** The claims of a registered client's access token: the client is its own subject (RFC 9068 section 2.2). */
export function clientClaims(subject: ClientSubject, issue: Issue): ClientClaims {
  return {
    iss: issue.issuer,
    aud: issue.audience,
    sub: subject.clientId,
    exp: issue.now + issue.ttlSeconds,
    iat: issue.now,
    jti: issue.jti,
    client_id: subject.clientId,
    ep: subject.epoch,
    ver: subject.ver,
    scope: subject.scope,
  }
}
