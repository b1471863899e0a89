import type { FastifyInstance } from 'fastify'
import type { UserClaims } from '@portcullis/schemas'
import type { Receipt } from '../../database/transaction.ts'
import { lockUserToIssue } from '../../users/queries.ts'
import { endLiveSession, type ShownSession } from './queries.ts'

/**
 * Ends one session of the caller.
 *
 * @returns undefined if the caller has no live session of this id
 */
export async function endOneSession(
  app: FastifyInstance,
  { sub }: UserClaims,
  id: string,
): Promise<{ readonly session: ShownSession; readonly receipt: Receipt } | undefined> {
  const { value, receipt } = await app.transact(async (trx) => {
    await lockUserToIssue(trx, sub)
    const session = await endLiveSession(trx, id, sub, 'ended_by_user', new Date(app.now()))
    return { value: session, revoke: session && { kind: 'session', key: session.id } }
  })
  if (!value || !receipt) return undefined
  await app.sessionMirror.drop(sub, [value.id])
  return { session: value, receipt }
}
