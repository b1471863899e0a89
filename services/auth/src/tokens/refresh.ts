import { createSigner, createVerifier } from 'fast-jwt'
import { Compile } from 'typebox/compile'
import { MAX_TOKEN_BYTES, REFRESH_TYP, RefreshClaimsSchema, type RefreshClaims } from '@portcullis/schemas'
import { issuedAtOf, partOf } from './unverified.ts'

/** Signs and verifies refresh tokens with one key, which only auth has. */
export interface RefreshKey {
  readonly kid: string
  /**
   * The refresh token of one pair of a session. It holds nothing but what the session's row holds, so the same
   * pair always gives the same text, and nothing of the token needs to be stored.
   */
  sign(claims: RefreshClaims): string
  /** The claims of a token that this key has signed for this issuer, expired or not. */
  verify(token: string): RefreshClaims | undefined
}

/** What a refresh token says that has been signed by us, and the key that has signed it. */
export interface SignedRefresh {
  readonly claims: RefreshClaims
  readonly kid: string
}

export type RefreshVerdict =
  | ({ readonly outcome: 'good' } & SignedRefresh)
  | { readonly outcome: 'expired' }
  | { readonly outcome: 'bad' }

const claimsCheck = Compile(RefreshClaimsSchema)

/**
 * @param secret 32 bytes
 * @param issuer `aud` of every refresh token
 */
export function createRefreshKey(kid: string, secret: Buffer, issuer: string): RefreshKey {
  const header = { alg: 'HS256', typ: REFRESH_TYP }
  const sign = createSigner({ algorithm: 'HS256', key: secret, kid, header })
  const verify = createVerifier({
    key: secret,
    algorithms: ['HS256'],
    checkTyp: REFRESH_TYP,
    allowedAud: issuer,
    // The session's row tells when it expires; the claim is compared with the same clock as the row.
    ignoreExpiration: true,
  })
  return {
    kid,
    sign: (claims) => sign({ ...claims }),
    verify(token) {
      try {
        const claims: unknown = verify(token)
        return claimsCheck.Check(claims) ? claims : undefined
      } catch {
        return undefined
      }
    },
  }
}

/**
 * Checks signature, type, audience and claims of a refresh token; the session's row decides the rest.
 *
 * @param findKey the key with this `kid`, if it still verifies; `issuedAt` is what the token says, in seconds
 * @param now milliseconds since 1970
 */
export async function verifyRefresh(
  token: string,
  findKey: (
    kid: string,
    issuedAt: number | undefined,
  ) => RefreshKey | undefined | Promise<RefreshKey | undefined>,
  now: number,
): Promise<RefreshVerdict> {
  const kid = token.length <= MAX_TOKEN_BYTES ? kidOf(token) : undefined
  const key = kid === undefined ? undefined : await findKey(kid, issuedAtOf(token))
  const claims = key?.verify(token)
  if (!key || !claims) return { outcome: 'bad' }
  return now >= claims.exp * 1000 ? { outcome: 'expired' } : { outcome: 'good', claims, kid: key.kid }
}

/** The key that a token names which may be a refresh token: no key of those is looked for on behalf of another. */
function kidOf(token: string): string | undefined {
  const header = partOf(token, 'header')
  if (Reflect.get(header, 'typ') !== REFRESH_TYP) return undefined
  const kid: unknown = Reflect.get(header, 'kid')
  return typeof kid === 'string' ? kid : undefined
}
