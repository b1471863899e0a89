import fp from 'fastify-plugin'
import { createVerifier, type Clock } from '@portcullis/token-verifier'
import tokenVerifier from '@portcullis/token-verifier/fastify'
import { keyByToken } from '@portcullis/service-kit'
import type { Config } from '../config.ts'

/**
 * auth verifies tokens as every resource server does, only that keys and revocations come from its own database.
 * Adds `app.rateLimitKeyOf`, which tells whose requests are counted together.
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
    app.decorate('rateLimitKeyOf', keyByToken(verifier))
    app.health.add('revocations', () => {
      if (!verifier.ready) throw new Error('the revocation log has not been read for too long')
    })
  },
  { name: 'authentication', fastify: '5.x', dependencies: ['keyring', 'revocation'] },
)
