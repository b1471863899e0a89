import type { FastifyInstance } from 'fastify'
import type { TokenPair } from '@portcullis/schemas'
import { issuePair, type PairSession, type PairUser } from './pair.ts'

/**
 * The token pair of a session whose refresh key is the active one, since the session, or a generation of it, has just
 * been made.
 *
 * @param now milliseconds since 1970
 */
export function issueNewPair(
  app: FastifyInstance,
  user: PairUser,
  session: PairSession,
  epoch: number,
  now: number,
): TokenPair {
  const pair = issuePair(app.keyring, app.pairOptions, user, session, epoch, now)
  if (!pair) throw new Error('the active refresh key is not in the key ring')
  return pair
}
