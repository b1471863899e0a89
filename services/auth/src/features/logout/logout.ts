import type { FastifyInstance, FastifyReply } from 'fastify'
import type { UserClaims } from '@portcullis/schemas'
import type { Receipt } from '../../database/transaction.ts'
import { findReceipt } from '../../revocation/receipt.ts'
import type { SessionEnd } from '../../sessions/end-together.ts'
import { endSession } from '../../sessions/queries.ts'
import { shareUser } from '../../users/queries.ts'

/**
 * Ends the session of a token, and marks the answer as the barrier does. A session that has ended already stays as
 * it is, and a repeated logout waits for the same verifiers as the first.
 *
 * @returns the answer's status
 */
export async function logout(
  app: FastifyInstance,
  reply: FastifyReply,
  { sub, sid }: Pick<UserClaims, 'sub' | 'sid'>,
  reason: 'logout' | 'revoked' = 'logout',
): Promise<200 | 202> {
  const end = { id: sid, user_id: sub, reason, ended_at: new Date(app.now()) }
  const receipt = (await app.endTogether(end)) ?? (await endAlone(app, end))
  const [status] = await Promise.all([app.barrier.settle(reply, receipt), app.sessionMirror.drop(sub, [sid])])
  return status
}

/**
 * Waits for whoever changes the session or its user just now. The receipt is that of the event which ended it. One that
 * ended without an event of its own gets it now: it may have ended for an epoch that has not come yet, or be a session
 * that the database has lost.
 */
async function endAlone(app: FastifyInstance, end: SessionEnd): Promise<Receipt> {
  const { value, receipt } = await app.transact(async (trx) => {
    await shareUser(trx, end.user_id)
    const isEnded = await endSession(trx, end.id, end.user_id, end.reason, end.ended_at)
    const earlier = isEnded ? undefined : await findReceipt(trx, 'session', end.id)
    return { value: earlier, revoke: earlier ? undefined : { kind: 'session', key: end.id } }
  })
  const done = receipt ?? value
  if (!done) throw new Error('an event that was appended has a receipt')
  return done
}
