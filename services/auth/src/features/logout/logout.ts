import type { FastifyInstance } from 'fastify'
import type { UserClaims } from '@portcullis/schemas'
import type { Receipt } from '../../database/transaction.ts'
import { findEventOfSession } from '../../revocation/log.ts'
import { listVerifiers } from '../../revocation/verifiers.ts'
import { endSession } from '../../sessions/queries.ts'
import { lockUserToIssue } from '../../users/queries.ts'

/**
 * Ends the session of a token. One that has ended already stays as it is, and the receipt is that of the event
 * which ended it, so that a repeated logout waits for the same verifiers as the first.
 *
 * @returns undefined if nothing of the session is left, not even the event: its tokens have expired
 */
export async function logout(
  app: FastifyInstance,
  { sub, sid }: Pick<UserClaims, 'sub' | 'sid'>,
  reason: 'logout' | 'revoked' = 'logout',
): Promise<Receipt | undefined> {
  const { receipt } = await app.transact(async (trx) => {
    await lockUserToIssue(trx, sub)
    const isEnded = await endSession(trx, sid, sub, reason, new Date(app.now()))
    return { value: undefined, revoke: isEnded ? { kind: 'session', key: sid } : undefined }
  })
  await app.sessionMirror.drop(sub, [sid])
  if (receipt) return receipt
  const position = await findEventOfSession(app.db, sid, sub)
  return position && { position, verifiers: await listVerifiers(app.db) }
}
