import fp from 'fastify-plugin'
import { isUserClaims, type AccessClaims } from '@portcullis/schemas'
import { readBearer, type Verifier } from '@portcullis/token-verifier'
import { measureReplica, observeVerifier, type KeyOf } from '@portcullis/service-kit'
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
    app.decorate('callerOf', (request) => {
      const { authorization } = request.headers
      if (authorization === undefined) return undefined
      const claims = app.verifier.check(readBearer(authorization))
      return claims instanceof Promise ? claims.then(callerOf) : callerOf(claims)
    })
  },
  { name: 'verification', fastify: '5.x', dependencies: ['health', 'metrics'] },
)

function callerOf(claims: AccessClaims): string {
  return isUserClaims(claims) ? `user:${claims.sub}` : `client:${claims.client_id}`
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Whom the limits count: the user or the client of a good token. Rejects if the token is not good. */
    callerOf: KeyOf
  }
}
