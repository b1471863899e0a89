import type { Receipt } from '../database/transaction.ts'
import { shareUser } from '../users/queries.ts'
import type { UserStores } from '../users/stores.ts'
import { endLiveSession, type ShownSession } from './lists.ts'

/**
 * Ends one session of a user.
 *
 * @param reason is kept with the session
 * @returns undefined if the user has no live session of this id
 */
export async function endOneSession(
  stores: UserStores,
  userId: string,
  id: string,
  reason: 'ended_by_user' | 'ended_by_operator' | 'too_many',
): Promise<{ readonly session: ShownSession; readonly receipt: Receipt } | undefined> {
  const { value, receipt } = await stores.transact(async (trx) => {
    await shareUser(trx, userId)
    const session = await endLiveSession(trx, id, userId, reason, new Date(stores.now()))
    return { value: session, revoke: session && { kind: 'session', key: session.id } }
  })
  if (!value || !receipt) return undefined
  await stores.sessionMirror.drop(userId, [value.id])
  return { session: value, receipt }
}
