import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { TokenAnswer } from '@portcullis/schemas'
import { findEpoch } from '../revocation/epoch.ts'
import { clientClaims } from '../tokens/access.ts'

/**
 * An access token for a registered client. Nothing is locked: should the client be changed meanwhile, the
 * token carries the version before the change, and is dead: it is born no later than the version was asked for, so it
 * has expired before the change is forgotten, however long this takes.
 */
export async function issueClientToken(
  app: FastifyInstance,
  client: { readonly client_id: string; readonly ver: number; readonly asOf: number },
  scopes: readonly string[],
): Promise<TokenAnswer> {
  const { issuer, audience, accessTtlSeconds } = app.pairOptions
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
