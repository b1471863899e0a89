import fp from 'fastify-plugin'
import type { Verifier } from '@portcullis/token-verifier'
import { keyByToken, measureReplica, observeVerifier } from '@portcullis/service-kit'
import tokenVerifier from '@portcullis/token-verifier/fastify'
import type { Config } from '../config.ts'

export interface VerificationOptions {
  readonly config: Config
  /** Instead of one made from the configuration. */
  readonly verifier?: Verifier | undefined
}

/**
 * `app.authenticate` and `request.user`: tokens are verified in this process, by auth's published keys and a
 * replica of its revocation log. Readiness waits until both are there.
 */
export default fp<VerificationOptions>(
  async (app, { config, verifier }) => {
    await app.register(
      tokenVerifier,
      verifier
        ? { verifier }
        : {
            issuer: config.ISSUER,
            audience: config.AUDIENCE,
            algorithm: config.SIGNING_ALGORITHM,
            jwksUrl: config.JWKS_URL,
            redisUrl: config.REVOCATION_REDIS_URL,
            // While Redis cannot be reached, auth itself tells of revocations.
            feed: { authUrl: config.AUTH_URL, clientSecret: config.CLIENT_SECRET },
            clientId: config.CLIENT_ID,
            maxStalenessSeconds: config.MAX_STALENESS_SECONDS,
            observer: observeVerifier(app.metrics),
          },
    )
    measureReplica(app.metrics, app.verifier)
    app.health.add('revocations', () => {
      if (!app.verifier.ready) throw new Error('keys or revocations are missing')
    })
    app.decorate('rateLimitKeyOf', keyByToken(app.verifier))
  },
  { name: 'verification', fastify: '5.x', dependencies: ['health', 'metrics'] },
)
