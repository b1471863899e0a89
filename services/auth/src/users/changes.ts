import { sql, type Kysely } from 'kysely'
import type { UserChange } from '@portcullis/schemas'
import type { DB } from '../database/tables.ts'

/** How long a change of a user is told to those who were away. */
export const USER_CHANGES_KEPT_DAYS = 7

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
  const rows = await db
    .selectFrom('users')
    .select(['id', 'username', 'updated_at'])
    .$if(afterId !== undefined, (query) => query.where('id', '>', afterId ?? ''))
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(({ id, username, updated_at }) => ({
    seq,
    user_id: id,
    username,
    deleted: false,
    at: updated_at.toISOString(),
  }))
}

/** Drops the changes that are kept no longer, from the front of the log. How many there were. */
export async function pruneUserChanges(db: Kysely<DB>): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const cutoff = sql<Date>`clock_timestamp() - make_interval(days => ${USER_CHANGES_KEPT_DAYS})`
    // By the oldest that is kept, so that a clock that was set back never leaves a hole.
    const { base } = await trx
      .updateTable('user_changes_head')
      .set((e) => ({
        base: e.fn.coalesce(
          sql<number>`${e
            .selectFrom('user_changes')
            .select((f) => f.fn.min('seq').as('seq'))
            .where('at', '>=', cutoff)} - 1`,
          'seq',
        ),
      }))
      .returning('base')
      .executeTakeFirstOrThrow()
    const { numDeletedRows } = await trx
      .deleteFrom('user_changes')
      .where('seq', '<=', base)
      .executeTakeFirst()
    return Number(numDeletedRows)
  })
}
