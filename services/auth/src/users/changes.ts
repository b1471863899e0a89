import { sql, type Kysely } from 'kysely'
import type { UserChange } from '@portcullis/schemas'
import type { DB } from '../database/tables.ts'

/** How long a change of a user is told to those who were away. */
const USER_CHANGES_KEPT_DAYS = 7

/** Where the log of user changes stands. */
export interface UserChangesHead {
  /** Raised when history was rewritten: places before and after it do not compare. */
  readonly epoch: number
  readonly seq: number
  /** The last seq that is kept no longer. */
  readonly base: number
}

export function findUserChangesHead(db: Kysely<DB>): Promise<UserChangesHead> {
  return db
    .selectFrom('user_changes_head')
    .innerJoin('revocation_head', (join) => join.onTrue())
    .select(['revocation_head.epoch', 'user_changes_head.seq', 'user_changes_head.base'])
    .executeTakeFirstOrThrow()
}

/** Changes after a place in the log, oldest first. Their order is that of their commits, without holes. */
export async function listUserChangesAfter(
  db: Kysely<DB>,
  seq: number,
  limit: number,
): Promise<UserChange[]> {
  const rows = await db
    .selectFrom('user_changes')
    .select(['seq', 'user_id', 'username', 'deleted', 'at'])
    .where('seq', '>', seq)
    .orderBy('seq')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }))
}

/** Users as they are, in the order of their ids, as changes of this seq. */
export async function listUsersAsChanges(
  db: Kysely<DB>,
  afterId: string | undefined,
  seq: number,
  limit: number,
): Promise<UserChange[]> {
  let query = db.selectFrom('users').select(['id', 'username', 'updated_at']).orderBy('id').limit(limit)
  if (afterId !== undefined) query = query.where('id', '>', afterId)
  const rows = await query.execute()
  return rows.map(({ id, username, updated_at }) => ({
    seq,
    user_id: id,
    username,
    deleted: false,
    at: updated_at.toISOString(),
  }))
}

/** Drops the changes that are kept no longer, at most so many, from the front of the log. @returns how many there were */
export async function pruneUserChanges(db: Kysely<DB>, limit: number): Promise<number> {
  // Before the head is locked, for which everybody waits who signs up. Up to the oldest that is kept, so that a clock
  // that was set back never leaves a hole.
  const { rows } = await sql<{ last: number | null }>`
    with front as (
      select seq, at < clock_timestamp() - make_interval(days => ${USER_CHANGES_KEPT_DAYS}) as is_old
      from user_changes order by seq limit ${limit}
    )
    select max(seq) as last from front
    where seq < all (select seq from front where not is_old)`.execute(db)
  const last = rows[0]?.last ?? undefined
  if (last === undefined) return 0
  return db.transaction().execute(async (trx) => {
    await trx
      .updateTable('user_changes_head')
      .set({ base: sql<number>`greatest(base, ${last})` })
      .execute()
    const { numDeletedRows } = await trx
      .deleteFrom('user_changes')
      .where('seq', '<=', last)
      .executeTakeFirst()
    return Number(numDeletedRows)
  })
}
