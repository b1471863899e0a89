import fp from 'fastify-plugin'
import { createVerifier, readBearer, type Clock } from '@portcullis/token-verifier'
import tokenVerifier from '@portcullis/token-verifier/fastify'
import { isUserClaims } from '@portcullis/schemas'
import type { KeyOf } from '@portcullis/service-kit'
import type { Config } from '../config.ts'

/**
 * auth verifies tokens as every resource server does, only that keys and revocations come from its own database.
 * Adds `app.callerOf`, which tells whose requests are counted together.
 */
export default fp<{ config: Config; clock: Clock }>(
  async (app, { config, clock }) => {
    const verifier = createVerifier({
      issuer: config.ISSUER,
      audience: config.AUDIENCE,
      algorithm: config.SIGNING_ALGORITHM,
      keys: app.keyring,
      replica: app.replica,
      maxStalenessSeconds: config.MAX_STALENESS_SECONDS,
      clock,
    })
    await app.register(tokenVerifier, { verifier })
    app.decorate('callerOf', async (request) => {
      if (request.headers.authorization === undefined) return undefined
      const claims = await verifier.check(readBearer(request.headers.authorization))
      return isUserClaims(claims) ? `user:${claims.sub}` : `client:${claims.client_id}`
    })
    app.health.add('revocations', () => {
      if (!verifier.ready) throw new Error('the revocation log has not been read for too long')
    })
  },
  { name: 'authentication', fastify: '5.x', dependencies: ['keyring', 'revocation'] },
)

declare module 'fastify' {
  interface FastifyInstance {
    callerOf: KeyOf
  }
}
