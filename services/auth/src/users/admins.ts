import { sql, type Kysely } from 'kysely'
import type { DB } from '../database/tables.ts'
import type { ShownUser } from './queries.ts'

export const ADMIN_ROLE = 'admin'

/** Literals, not parameters: a generic plan uses the partial index users_active_admins only with literals. */
const isActiveAdmin = sql<boolean>`(status = 'active' and ${sql.lit(ADMIN_ROLE)} = any(roles))`

export async function hasActiveAdmin(db: Kysely<DB>): Promise<boolean> {
  const admin = await db.selectFrom('users').select('id').where(isActiveAdmin).limit(1).executeTakeFirst()
  return admin !== undefined
}

/**
 * Whether this user is the only active admin. To be asked on every path on which an active admin ceases to be
 * one (roles, status, deletion), in the transaction that does it and under the lock of the user's row.
 *
 * If the user is an active admin, every other transaction that asks about another one waits until this one has
 * ended, so that of two admins who remove each other at once the second is told that it is the last. The lock is
 * the row of the role, taken after that of the user.
 *
 * @param user the user as it is before the change
 */
export async function isLastActiveAdmin(
  trx: Kysely<DB>,
  user: Pick<ShownUser, 'id' | 'roles' | 'status'>,
): Promise<boolean> {
  if (user.status !== 'active' || !user.roles.includes(ADMIN_ROLE)) return false
  await trx.selectFrom('roles').select('name').where('name', '=', ADMIN_ROLE).forNoKeyUpdate().execute()
  // A statement of its own, so that it sees what was committed while the lock was waited for.
  const another = await trx
    .selectFrom('users')
    .select('id')
    .where(isActiveAdmin)
    .where('id', '!=', user.id)
    .limit(1)
    .executeTakeFirst()
  return another === undefined
}
