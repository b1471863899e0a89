import type { Receipt } from '../database/transaction.ts'
import { findReceipt } from '../revocation/receipt.ts'
import { lockRolesToGrant } from '../roles/queries.ts'
import { ADMIN_ROLE, isLastActiveAdmin } from './admins.ts'
import type { LockUser } from './lock-user.ts'
import { updateUserRoles, type ShownUser } from './queries.ts'
import type { UserStores } from './stores.ts'

type Decided =
  | { readonly outcome: 'changed'; readonly user: ShownUser }
  | { readonly outcome: 'unknown_roles'; readonly names: readonly string[] }
  | { readonly outcome: 'AUTH_TOKEN_INVALID' | 'NOT_FOUND' | 'AUTH_LAST_ADMIN' }

export type ChangedRoles =
  | { readonly outcome: 'changed'; readonly user: ShownUser; readonly receipt: Receipt | undefined }
  | Exclude<Decided, { readonly outcome: 'changed' }>

/**
 * Gives a user other roles. The user's access tokens die with the old ones; the sessions live on
 * and refresh into the new ones, since version and roles are one row. Roles that are the same change nothing.
 *
 * @param decide the new roles, given those that the user has
 */
export async function changeRoles(
  stores: UserStores,
  lock: LockUser,
  userId: string,
  decide: (roles: readonly string[]) => readonly string[],
): Promise<ChangedRoles> {
  const now = stores.now()
  const { value, receipt } = await stores.transact<Decided>(async (trx) => {
    const locked = await lock(trx, userId, now)
    if (locked.outcome !== 'locked') return { value: locked }
    const { ver: _ver, ...user } = locked.user
    const roles = [...new Set(decide(user.roles))].sort()
    const granted = roles.filter((role) => !user.roles.includes(role))
    const known = await lockRolesToGrant(trx, granted)
    const unknown = granted.filter((role) => !known.has(role))
    if (unknown.length > 0) return { value: { outcome: 'unknown_roles', names: unknown } }
    if (granted.length === 0 && roles.length === user.roles.length)
      return { value: { outcome: 'changed', user } }
    if (!roles.includes(ADMIN_ROLE) && (await isLastActiveAdmin(trx, user)))
      return { value: { outcome: 'AUTH_LAST_ADMIN' } }
    const { ver, ...changed } = await updateUserRoles(trx, user.id, roles)
    return {
      value: { outcome: 'changed', user: changed },
      revoke: { kind: 'user', key: user.id, value: ver },
    }
  })
  if (value.outcome !== 'changed') return value
  return { ...value, receipt: receipt ?? (await findReceipt(stores.db, 'user', value.user.id)) }
}
