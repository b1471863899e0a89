import type { UserStatusBody } from '@portcullis/schemas'
import type { Receipt } from '../database/transaction.ts'
import { findReceipt } from '../revocation/receipt.ts'
import { endSessionsOfUser } from '../sessions/queries.ts'
import { isLastActiveAdmin } from './admins.ts'
import type { LockUser } from './lock-user.ts'
import { raiseUserVersion, updateUserStatus, type ShownUser } from './queries.ts'
import type { UserStores } from './stores.ts'

type Decided =
  | { readonly outcome: 'changed'; readonly user: ShownUser; readonly ended: readonly string[] }
  | { readonly outcome: 'AUTH_TOKEN_INVALID' | 'NOT_FOUND' | 'AUTH_LAST_ADMIN' }

export type ChangedStatus =
  | { readonly outcome: 'changed'; readonly user: ShownUser; readonly receipt: Receipt | undefined }
  | Exclude<Decided, { readonly outcome: 'changed' }>

/** Disables a user, which ends every session and kills every token, or enables it again. */
export async function changeStatus(
  stores: UserStores,
  lock: LockUser,
  userId: string,
  status: UserStatusBody['status'],
): Promise<ChangedStatus> {
  const now = stores.now()
  const { value, receipt } = await stores.transact<Decided>(async (trx) => {
    const locked = await lock(trx, userId, now)
    if (locked.outcome !== 'locked') return { value: locked }
    const { ver: _ver, ...user } = locked.user
    if (user.status === status) return { value: { outcome: 'changed', user, ended: [] } }
    if (status === 'disabled' && (await isLastActiveAdmin(trx, user)))
      return { value: { outcome: 'AUTH_LAST_ADMIN' } }
    const changed = await updateUserStatus(trx, user.id, status)
    if (status === 'active')
      return { value: { outcome: 'changed', user: changed, ended: [] }, touched: user.id }
    const ended = await endSessionsOfUser(trx, user.id, 'disabled', new Date(now))
    const ver = await raiseUserVersion(trx, user.id)
    return {
      value: { outcome: 'changed', user: changed, ended },
      revoke: { kind: 'user', key: user.id, value: ver },
    }
  })
  if (value.outcome !== 'changed') return value
  const { user, ended } = value
  await stores.sessionMirror.drop(user.id, ended)
  // Enabling kills nothing; a repeated disabling waits for the event of the first.
  const earlier =
    !receipt && status === 'disabled' ? await findReceipt(stores.db, 'user', user.id) : undefined
  return { outcome: 'changed', user, receipt: receipt ?? earlier }
}
