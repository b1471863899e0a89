import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { TokenAnswer } from '@portcullis/schemas'
import { findEpoch } from '../revocation/epoch.ts'
import { clientClaims } from '../tokens/access.ts'

/**
 * An access token for a registered client. No lock: if the client changes meanwhile, the token carries the old `ver`
 * and is dead. Its `iat` is `asOf`, taken before `ver` was read, so it expires before the event that kills it leaves the
 * log.
 */
export async function issueClientToken(
  app: FastifyInstance,
  client: { readonly client_id: string; readonly ver: number; readonly asOf: number },
  scopes: readonly string[],
): Promise<TokenAnswer> {
  const { issuer, audience, accessTtlSeconds } = app.tokenOptions
  const scope = scopes.join(' ')
  const claims = clientClaims(
    { clientId: client.client_id, ver: client.ver, epoch: await findEpoch(app.db), scope },
    {
      issuer,
      audience,
      now: Math.floor(client.asOf / 1000),
      ttlSeconds: accessTtlSeconds,
      jti: randomUUID(),
    },
  )
  return {
    access_token: app.keyring.signAccess(claims),
    token_type: 'Bearer',
    expires_in: accessTtlSeconds,
    ...(scope !== '' && { scope }),
  }
}
