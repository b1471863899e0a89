import { sql, type Kysely } from 'kysely'
import type { DB } from '../database/tables.ts'

/** Number of the lock under which active admins become fewer; any constant that nothing else locks. */
const ADMINS_LOCK = 0x61646d696e

/**
 * Whether nobody would be left to administer if this user were no active admin any more. Takes one lock for
 * everybody until the end of the transaction, so that of two admins who remove each other at once one stays. To
 * be called when the user's row is locked.
 */
export async function isLastActiveAdmin(
  trx: Kysely<DB>,
  user: { readonly id: string; readonly roles: readonly string[]; readonly status: string },
): Promise<boolean> {
  if (user.status !== 'active' || !user.roles.includes('admin')) return false
  await sql`select pg_advisory_xact_lock(${ADMINS_LOCK}::bigint)`.execute(trx)
  // A statement of its own: it sees what the last holder of the lock has committed.
  const another = await trx
    .selectFrom('users')
    .select('id')
    .where('status', '=', 'active')
    .where(sql<boolean>`'admin' = any(roles)`)
    .where('id', '!=', user.id)
    .limit(1)
    .executeTakeFirst()
  return another === undefined
}
