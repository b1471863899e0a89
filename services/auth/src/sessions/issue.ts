import type { FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import type { TokenPair } from '@portcullis/schemas'
import type { DB } from '../database/tables.ts'
import { issuePair, type PairSession, type PairUser } from './pair.ts'
import { findEpoch } from './queries.ts'

/**
 * The token pair of a session whose refresh key is the active one, since this transaction has just made the
 * session, or a generation of it.
 *
 * @param now milliseconds since 1970
 */
export async function issueNewPair(
  app: FastifyInstance,
  trx: Kysely<DB>,
  user: PairUser,
  session: PairSession,
  now: number,
): Promise<TokenPair> {
  const pair = issuePair(app.keyring, app.pairOptions, user, session, await findEpoch(trx), now)
  if (!pair) throw new Error('the active refresh key is not in the key ring')
  return pair
}
