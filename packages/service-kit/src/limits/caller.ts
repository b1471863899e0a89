import { isUserClaims, type AccessClaims } from '@portcullis/schemas'
import { readBearer, type Verifier } from '@portcullis/token-verifier'
import type { Caller, KeyOf } from './rate-limit.ts'

/** By the user or the client of a good token; throws or rejects if it is not good. For `app.rateLimitKeyOf`. */
export function keyByToken(verifier: Pick<Verifier, 'check'>): KeyOf<Caller> {
  return ({ headers: { authorization } }) => {
    if (authorization === undefined) return undefined
    const claims = verifier.check(readBearer(authorization))
    return claims instanceof Promise ? claims.then(keyOf) : keyOf(claims)
  }
}

function keyOf(claims: AccessClaims): string {
  return isUserClaims(claims) ? `user:${claims.sub}` : `client:${claims.client_id}`
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Whose requests are counted together: undefined where the address counts. */
    rateLimitKeyOf: KeyOf<Caller>
  }
}
