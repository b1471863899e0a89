import type { FastifyInstance } from 'fastify'
import type { TokenPair } from '@portcullis/schemas'
import { problem, RETRY_SOON } from '@portcullis/service-kit'
import { issuePair, type PairSession, type PairUser } from './pair.ts'

/**
 * The token pair of a session whose refresh key is the active one, since the session, or a generation of it, has just
 * been made.
 *
 * @param now milliseconds since 1970
 * @throws {ProblemError} UNAVAILABLE if that key has been given up meanwhile
 */
export function issueNewPair(
  app: FastifyInstance,
  user: PairUser,
  session: PairSession,
  now: number,
): TokenPair {
  const pair = issuePair(app.keyring, app.tokenOptions, user, session, now)
  // The key was given up while the session was being written.
  if (!pair) throw problem('UNAVAILABLE', { headers: RETRY_SOON })
  return pair
}
