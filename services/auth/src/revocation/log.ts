import { sql, type Kysely } from 'kysely'
import type { Head, Position, RevocationEvent, RevocationKind } from '@portcullis/schemas'
import { statement, type Param } from '@portcullis/service-kit'
import type { DB } from '../database/tables.ts'

/** Events read from the log at a time. */
export const READ_LIMIT = 5000

/** Whether the database still is what the log was begun on, and no promoted standby or restored backup. */
export const isSameHistory = sql<boolean>`(h.system_id, h.timeline) = (select c.system_id, c.timeline from current_history() c)`

/** One look at the log. */
export interface LogRead {
  readonly head: Head
  readonly isSameHistory: boolean
  /** All of the head's epoch, oldest first; there may be more if there are as many as the limit. */
  readonly events: RevocationEvent[]
}

/**
 * The head, and the events from a place on, as of one moment.
 *
 * @param from in the head's epoch; a place in another one means all that there is
 * @throws Error on a standby
 */
export async function readLog(db: Kysely<DB>, from: Position, limit = READ_LIMIT): Promise<LogRead> {
  const rows = await headAndEvents.all(db, { ...from, limit })
  const [head] = rows
  if (!head) throw new Error('the database has no head of the log')
  return {
    head: { epoch: head.epoch, seq: head.head_seq, base: head.base },
    isSameHistory: head.is_same_history,
    events: rows.flatMap(toEvent),
  }
}

const headAndEvents = statement((db: Kysely<DB>, param: Param<Position & { readonly limit: number }>) =>
  db
    .selectFrom('revocation_head as h')
    .leftJoinLateral(
      (e) =>
        e
          .selectFrom('revocations as r')
          .select(['r.seq', 'r.kind', 'r.key', 'r.value', 'r.keep_until', 'r.at'])
          .whereRef('r.epoch', '=', 'h.epoch')
          // Without its type the place would be an integer of 32 bits, as 0 is.
          .where(
            'r.seq',
            '>=',
            sql<number>`greatest(case when h.epoch = ${param('epoch')} then ${param('seq')}::bigint else 0 end, h.base + 1)`,
          )
          .orderBy('r.seq')
          .limit(param('limit'))
          .as('e'),
      (join) => join.onTrue(),
    )
    .select([
      'h.epoch',
      'h.seq as head_seq',
      'h.base',
      isSameHistory.as('is_same_history'),
      'e.seq',
      'e.kind',
      'e.key',
      'e.value',
      'e.keep_until',
      'e.at',
    ])
    .orderBy('e.seq'),
)

/** A row without an event is there for the head alone. */
function toEvent({ epoch, seq, kind, key, value, keep_until, at }: EventRow): RevocationEvent[] {
  if (seq === null || kind === null || key === null || value === null || !keep_until || !at) return []
  return [{ epoch, seq, kind, key, value, keep_until: keep_until.getTime(), at: at.getTime() }]
}

interface EventRow {
  readonly epoch: number
  readonly seq: number | null
  readonly kind: RevocationKind | null
  readonly key: string | null
  readonly value: number | null
  readonly keep_until: Date | null
  readonly at: Date | null
}

/**
 * Place of the newest event about this, as far as the log still has it. If a new epoch has begun since, that is what
 * killed its tokens, and its beginning is the place.
 */
export function findNewestEvent(
  db: Kysely<DB>,
  kind: RevocationKind,
  key: string,
): Promise<Position | undefined> {
  return db
    .selectFrom('revocations as r')
    .innerJoin('revocation_head as h', (join) => join.onTrue())
    .select(['h.epoch', sql<number>`case when r.epoch = h.epoch then r.seq else h.base end`.as('seq')])
    .where('r.kind', '=', kind)
    .where('r.key', '=', key)
    .orderBy('r.seq', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** Whether the log holds an event that kills this generation of the session. */
export async function hasDeadGeneration(db: Kysely<DB>, id: string, gen: number): Promise<boolean> {
  const event = await db
    .selectFrom('revocations')
    .select('seq')
    .where('kind', '=', 'session_gen')
    .where('key', '=', id)
    .where('value', '>', gen)
    .limit(1)
    .executeTakeFirst()
  return event !== undefined
}

/**
 * Drops the events that concern no living token any more, from the front of the log and at most so many; only
 * PostgreSQL's clock is asked.
 *
 * What is dropped is looked for and deleted before the head row is locked, so that no revocation waits for more
 * than the step of `base`. Events whose time has passed stay so, and it does not matter who else drops them.
 *
 * @returns how many there were
 */
export async function pruneRevocations(db: Kysely<DB>, limit = READ_LIMIT): Promise<number> {
  const { epoch, base, last } = await findDroppable(db, limit)
  return db.transaction().execute(async (trx) => {
    const { numDeletedRows } = await trx
      .deleteFrom('revocations')
      .where('seq', 'in', (rows) =>
        rows
          .selectFrom('revocations')
          .select('seq')
          .where('seq', '<=', last)
          .where('keep_until', '<=', sql<Date>`clock_timestamp()`)
          .orderBy('seq')
          .limit(limit),
      )
      .executeTakeFirst()
    if (last > base)
      await trx
        .updateTable('revocation_head')
        .set({ base: last })
        .where('epoch', '=', epoch)
        .where('base', '<', last)
        .execute()
    return Number(numDeletedRows)
  })
}

/** The place up to which the log can be dropped: by the first event that is kept, so that there is never a hole. */
async function findDroppable(
  db: Kysely<DB>,
  limit: number,
): Promise<{ epoch: number; base: number; last: number }> {
  const { first_kept, ...head } = await db
    .selectFrom('revocation_head as h')
    .select((e) => [
      'h.epoch',
      'h.seq',
      'h.base',
      e
        .selectFrom('revocations as r')
        .select('r.seq')
        .whereRef('r.seq', '>', 'h.base')
        .where('r.keep_until', '>', sql<Date>`clock_timestamp()`)
        .orderBy('r.seq')
        .limit(1)
        .as('first_kept'),
    ])
    .executeTakeFirstOrThrow()
  const end = first_kept === null ? head.seq : first_kept - 1
  return { epoch: head.epoch, base: head.base, last: Math.min(end, head.base + limit) }
}
