import type { FastifyInstance, FastifyReply } from 'fastify'
import type { UserClaims } from '@portcullis/schemas'
import type { Receipt } from '../../database/transaction.ts'
import { findEventOfSession } from '../../revocation/log.ts'
import { listVerifiers } from '../../revocation/verifiers.ts'
import type { SessionEnd } from '../../sessions/end-together.ts'
import { endSession } from '../../sessions/queries.ts'
import { shareUser } from '../../users/queries.ts'

/**
 * Ends the session of a token, and marks the answer as the barrier does. A session that has ended already stays as
 * it is, and a repeated logout waits for the same verifiers as the first.
 *
 * @returns the answer's status; 200 also if nothing of the session is left, not even the event: its tokens have expired
 */
export async function logout(
  app: FastifyInstance,
  reply: FastifyReply,
  { sub, sid }: Pick<UserClaims, 'sub' | 'sid'>,
  reason: 'logout' | 'revoked' = 'logout',
): Promise<200 | 202> {
  const end = { id: sid, user_id: sub, reason, ended_at: new Date(app.now()) }
  const receipt = (await app.endSession(end)) ?? (await endAlone(app, end))
  const [status] = await Promise.all([
    receipt ? app.barrier.settle(reply, receipt) : (200 as const),
    app.sessionMirror.drop(sub, [sid]),
  ])
  return status
}

/** Waits for whoever changes the session or its user just now. The receipt is that of the event which ended it. */
async function endAlone(app: FastifyInstance, end: SessionEnd): Promise<Receipt | undefined> {
  const { receipt } = await app.transact(async (trx) => {
    await shareUser(trx, end.user_id)
    const isEnded = await endSession(trx, end.id, end.user_id, end.reason, end.ended_at)
    return { value: undefined, revoke: isEnded ? { kind: 'session', key: end.id } : undefined }
  })
  if (receipt) return receipt
  const position = await findEventOfSession(app.db, end.id, end.user_id)
  return position && { position, verifiers: await listVerifiers(app.db) }
}
