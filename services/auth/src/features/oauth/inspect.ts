import type { FastifyInstance } from 'fastify'
import { LOGIN_CLIENT_ID, type AccessClaims } from '@portcullis/schemas'
import { TokenError } from '@portcullis/token-verifier'
import { verifyRefresh, type SignedRefresh } from '../../tokens/refresh.ts'

/** A token that this issuer has signed and that has not expired. */
export type KnownToken =
  { readonly type: 'access'; readonly claims: AccessClaims } | ({ readonly type: 'refresh' } & SignedRefresh)

/**
 * What the token is, if it is one of ours.
 *
 * @param ended whether to know also access tokens that have been revoked
 * @throws {StaleError} if it cannot be told: the keys cannot be read, or an access token may have been revoked
 */
export async function inspect(
  app: FastifyInstance,
  token: string,
  { ended }: { readonly ended: boolean },
): Promise<KnownToken | undefined> {
  const refresh = await verifyRefresh(
    token,
    (kid, issuedAt) => app.keyring.findRefreshKey(kid, issuedAt),
    app.now(),
  )
  if (refresh.outcome === 'expired') return undefined
  if (refresh.outcome === 'good') return { type: 'refresh', claims: refresh.claims, kid: refresh.kid }
  try {
    return { type: 'access', claims: await app.verifier.verify(token, { ended }) }
  } catch (error) {
    if (error instanceof TokenError) return undefined
    throw error
  }
}

/** The client that the token was issued to. */
export function clientOf(token: KnownToken): string {
  return token.type === 'access' ? token.claims.client_id : LOGIN_CLIENT_ID
}
