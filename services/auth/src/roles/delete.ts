import type { Selectable } from 'kysely'
import type { Roles } from '../database/tables.ts'
import type { Transact } from '../database/transaction.ts'
import { deleteRoleByName, isRoleHeld, lockRoleToDelete } from './queries.ts'

export type DeletedRole =
  | { readonly outcome: 'deleted'; readonly role: Selectable<Roles> }
  | { readonly outcome: 'NOT_FOUND' | 'AUTH_ROLE_BUILT_IN' | 'AUTH_ROLE_HELD' }

/** Deletes a role that nobody holds. Whoever grants it at the same time waits, and finds it gone. */
export async function deleteRole(transact: Transact, name: string): Promise<DeletedRole> {
  const { value } = await transact<DeletedRole>(async (trx) => {
    const role = await lockRoleToDelete(trx, name)
    if (!role) return { value: { outcome: 'NOT_FOUND' } }
    if (role.built_in) return { value: { outcome: 'AUTH_ROLE_BUILT_IN' } }
    if (await isRoleHeld(trx, name)) return { value: { outcome: 'AUTH_ROLE_HELD' } }
    await deleteRoleByName(trx, name)
    return { value: { outcome: 'deleted', role } }
  })
  return value
}
