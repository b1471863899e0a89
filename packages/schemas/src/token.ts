import { Type, type Static } from 'typebox'
import { EXAMPLE, JWK } from './examples.ts'

/** `typ` of an access token (RFC 9068 section 2.1). */
export const ACCESS_TYP = 'at+jwt'
/** `typ` of a refresh token, which no resource server ever takes. */
export const REFRESH_TYP = 'rt+jwt'
/** Longest life of an access token, in seconds. Revocations are kept for as long, so no verifier may take more. */
export const MAX_ACCESS_TTL_SECONDS = 3600
/** Longer tokens are refused before they are parsed, in bytes. */
export const MAX_TOKEN_BYTES = 8192
/** The public client that logins carry as `client_id`. */
export const LOGIN_CLIENT_ID = 'portcullis'

const Counter = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Name = Type.String({ minLength: 1, maxLength: 256 })

/** The claims that every access token carries: RFC 9068 section 2.2, and what revocation needs. */
const CommonClaims = {
  iss: Name,
  aud: Type.Union([Name, Type.Array(Name, { minItems: 1 })]),
  sub: Name,
  exp: Counter,
  iat: Counter,
  jti: Name,
  client_id: Name,
  /** Epoch of the revocation log at issue: tokens of a lower epoch are dead. */
  ep: Counter,
  /** Version of the subject at issue: tokens of a lower version are dead. */
  ver: Counter,
}

/** Claims of a token issued to a user's session. */
export const UserClaimsSchema = Type.Object({
  ...CommonClaims,
  /** The user. */
  sub: Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }),
  /** The session. */
  sid: Name,
  /** Which pair of the session this token belongs to. */
  gen: Counter,
  roles: Type.Array(Type.String({ maxLength: 32 })),
  username: Name,
})
export type UserClaims = Static<typeof UserClaimsSchema>

/** Claims of a token issued to a registered client by `client_credentials`. */
export const ClientClaimsSchema = Type.Object({
  ...CommonClaims,
  /** Space-separated (RFC 8693 section 4.2). */
  scope: Type.String({ maxLength: 1024 }),
})
export type ClientClaims = Static<typeof ClientClaimsSchema>

export type AccessClaims = UserClaims | ClientClaims

/** Claims of a refresh token, all of them read from the session's row, so that it can be signed again alike. */
export const RefreshClaimsSchema = Type.Object({
  aud: Name,
  sub: Name,
  sid: Name,
  gen: Counter,
  iat: Counter,
  exp: Counter,
})
export type RefreshClaims = Static<typeof RefreshClaimsSchema>

/** Whether the token belongs to a user's session rather than to a registered client. */
export function isUserClaims(claims: AccessClaims): claims is UserClaims {
  return 'sid' in claims
}

export const JwkSchema = Type.Object(
  {
    kty: Type.String(),
    kid: Type.String(),
    use: Type.Literal('sig'),
    alg: Type.Union([Type.Literal('ES256'), Type.Literal('RS256')]),
    crv: Type.Optional(Type.String()),
    x: Type.Optional(Type.String()),
    y: Type.Optional(Type.String()),
    n: Type.Optional(Type.String()),
    e: Type.Optional(Type.String()),
  },
  { $id: 'Jwk', description: 'A public key (RFC 7517 section 4)', examples: [JWK] },
)
export type Jwk = Static<typeof JwkSchema>

/** JWK Set (RFC 7517 section 5). */
export const JwksSchema = Type.Object(
  { keys: Type.Array(Type.Unsafe<Jwk>(Type.Ref('Jwk#'))) },
  { $id: 'Jwks', description: 'A set of public keys (RFC 7517 section 5)', examples: [{ keys: [JWK] }] },
)
export type Jwks = Static<typeof JwksSchema>

/** Answer of `/verify`: what its headers say, once more. */
export const VerifiedSchema = Type.Object(
  {
    id: Type.String({ description: '`X-User-Id`' }),
    username: Type.String({ description: '`X-User-Name`' }),
    roles: Type.Array(Type.String(), { description: '`X-User-Roles`, separated by commas' }),
    session_id: Type.String({ description: '`X-Session-Id`' }),
  },
  {
    $id: 'Verified',
    description: 'Who is calling; the headers say the same',
    examples: [
      { id: EXAMPLE.userId, username: 'ada.lovelace', roles: ['user'], session_id: EXAMPLE.sessionId },
    ],
  },
)
export type Verified = Static<typeof VerifiedSchema>
