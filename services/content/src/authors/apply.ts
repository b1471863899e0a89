import { sql, type Kysely } from 'kysely'
import type { UserChange, UserChanges } from '@portcullis/schemas'
import { transact } from '@portcullis/service-kit'
import type { DB } from '../database/tables.ts'

export interface ChangesCursor {
  readonly cursor: string
  /** The round of the users that are being told, while they are. */
  readonly told_round: number
}

export async function findChangesCursor(db: Kysely<DB>): Promise<ChangesCursor> {
  return db.selectFrom('user_changes_cursor').select(['cursor', 'told_round']).executeTakeFirstOrThrow()
}

/**
 * Begins a round over all users. To be called before they are asked for: whoever is new from then on may be
 * missing among them.
 */
export async function beginRound(db: Kysely<DB>): Promise<number> {
  const { round } = await db
    .updateTable('user_changes_cursor')
    .set({ round: sql`round + 1` })
    .returning('round')
    .executeTakeFirstOrThrow()
  return round
}

/** Begins again with all users, unless another instance has gone on meanwhile. */
export async function resetChangesCursor(db: Kysely<DB>, from: string): Promise<void> {
  await db.updateTable('user_changes_cursor').set({ cursor: '' }).where('cursor', '=', from).execute()
}

/**
 * Applies one answer and moves the cursor, in one transaction: authors get their names, deleted ones a tombstone.
 *
 * @param from where the question was asked from. If another instance has moved on meanwhile, nothing happens.
 * @returns whether readers can see that something has changed.
 */
export async function applyChanges(
  db: Kysely<DB>,
  from: ChangesCursor,
  { items, next, snapshot }: UserChanges,
): Promise<boolean> {
  return transact(db, async (trx) => {
    const locked = await trx
      .selectFrom('user_changes_cursor')
      .select('cursor')
      .forUpdate()
      .executeTakeFirstOrThrow()
    if (locked.cursor !== from.cursor) return false

    const isChanged = await upsertAuthors(trx, items)
    const isSwept = snapshot?.complete === true && (await markUntoldDeleted(trx, from.told_round))
    await trx.updateTable('user_changes_cursor').set({ cursor: next, told_round: from.told_round }).execute()
    return isChanged || isSwept
  })
}

/** Whether a row that was there before now reads otherwise. */
async function upsertAuthors(trx: Kysely<DB>, items: readonly UserChange[]): Promise<boolean> {
  // Of several changes of one user the last holds.
  const authors = [...new Map(items.map((item) => [item.user_id, item])).values()]
  if (authors.length === 0) return false
  const { rows } = await sql<{ is_visible: boolean }>`
    insert into authors as a (id, username, deleted, purging, seq, round)
    select told.id, username, deleted, deleted, seq, round
    from user_changes_cursor, unnest(
      ${authors.map((author) => author.user_id)}::uuid[],
      ${authors.map((author) => (author.deleted ? '' : author.username))}::text[],
      ${authors.map((author) => author.deleted)}::boolean[],
      ${authors.map((author) => author.seq)}::bigint[]
    ) as told (id, username, deleted, seq)
    order by told.id
    on conflict (id) do update set
      username = excluded.username,
      deleted = excluded.deleted,
      purging = a.purging or excluded.purging,
      seq = excluded.seq,
      round = excluded.round,
      version = a.version + ((a.username, a.deleted) is distinct from (excluded.username, excluded.deleted))::int
    returning old.id is not null and old.version <> new.version as is_visible`.execute(trx)
  return rows.some((row) => row.is_visible)
}

/** Tombstones for those who were known before all users were told, and were not among them. */
async function markUntoldDeleted(trx: Kysely<DB>, round: number): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('authors')
    .set({ username: '', deleted: true, purging: true, version: sql`version + 1` })
    .where('round', '<', round)
    .where('deleted', '=', false)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
