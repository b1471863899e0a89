import { sql, type Kysely } from 'kysely'
import type { Position } from '@portcullis/schemas'
import { statement } from '@portcullis/service-kit'
import type { DB } from '../database/tables.ts'

/** The epoch that new tokens carry. */
export async function findEpoch(db: Kysely<DB>): Promise<number> {
  const { epoch } = await current.one(db, {})
  return epoch
}

const current = statement((db: Kysely<DB>) => db.selectFrom('revocation_head').select('epoch'))

/**
 * Begins a new epoch: every access token that was issued before is dead, and the log begins anew, empty but for
 * the keys that were given up, because those could sign for the new epoch as well. To be called last in a
 * transaction, since every revocation waits for the head row.
 *
 * @param beyond the farthest place that anybody may have heard of; the new epoch lies beyond it
 * @param lostKeys keys that are given up and that the log knows no more
 * @returns the first place of the new epoch that says all of this
 */
export async function raiseEpoch(
  db: Kysely<DB>,
  beyond: Position,
  lostKeys: readonly string[] = [],
): Promise<Position> {
  const head = await db
    .selectFrom('revocation_head')
    .select(['epoch', 'seq'])
    .forUpdate()
    .executeTakeFirstOrThrow()
  const keys = await db
    .selectFrom('revocations')
    .select('key')
    .distinct()
    .where('kind', '=', 'key')
    .where('keep_until', '>', sql<Date>`clock_timestamp()`)
    .execute()
  const least = Math.max(head.epoch, beyond.epoch) + 1
  const seq = Math.max(head.seq, beyond.seq)
  const { epoch } = await db
    .updateTable('revocation_head')
    .from(sql<{ system_id: string; timeline: number }>`current_history()`.as('c'))
    .set({
      epoch: sql<number>`greatest(${least}, floor(extract(epoch from clock_timestamp()))::bigint)`,
      seq,
      base: seq,
      system_id: sql<string>`c.system_id`,
      timeline: sql<number>`c.timeline`,
    })
    .returning('revocation_head.epoch')
    .executeTakeFirstOrThrow()
  const kids = new Set([...keys.map(({ key }) => key), ...lostKeys])
  for (const kid of kids) await appendKeyEvent(db, kid)
  return { epoch, seq: seq + kids.size }
}

/** A key is given up. For a transaction in which this event is not the last. */
export async function appendKeyEvent(db: Kysely<DB>, kid: string): Promise<void> {
  await sql`select append_revocation('key', ${kid}, 0)`.execute(db)
}
