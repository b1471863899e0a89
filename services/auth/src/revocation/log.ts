import { sql, type Kysely } from 'kysely'
import type { Head, Position, RevocationEvent } from '@portcullis/schemas'
import type { DB } from '../database/tables.ts'

/** Events read from the log at a time. */
export const READ_LIMIT = 5000

export interface ReadLog {
  readonly head: Head
  readonly events: RevocationEvent[]
  /** Position of the oldest event after `base`. */
  readonly firstKept: Position | undefined
}

/**
 * The head, and the events after a place in the log, oldest first and at most READ_LIMIT. The head is read
 * first, so that every event up to it is there or was dropped before.
 */
export async function readLog(db: Kysely<DB>, after: Position): Promise<ReadLog> {
  const head = await db
    .selectFrom('revocation_head')
    .select((e) => [
      'epoch',
      'seq',
      'base',
      e
        .selectFrom('revocations')
        .select('revocations.epoch')
        .whereRef('revocations.seq', '=', sql<number>`revocation_head.base + 1`)
        .as('first_epoch'),
    ])
    .executeTakeFirstOrThrow()
  const isBehind = after.epoch < head.epoch || after.seq < head.seq
  return {
    head: { epoch: head.epoch, seq: head.seq, base: head.base },
    firstKept: head.first_epoch === null ? undefined : { epoch: head.first_epoch, seq: head.base + 1 },
    events: isBehind ? await listEventsAfter(db, after, READ_LIMIT) : [],
  }
}

/** Events after a place in the log, oldest first. */
export async function listEventsAfter(
  db: Kysely<DB>,
  after: Position,
  limit: number,
): Promise<RevocationEvent[]> {
  const rows = await db
    .selectFrom('revocations')
    .select(['epoch', 'seq', 'kind', 'key', 'value', 'keep_until', 'at'])
    // Epochs never fall with seq, so that the order of seq is the order of positions.
    .where(sql<boolean>`(epoch, seq) > (${after.epoch}, ${after.seq})`)
    .orderBy('epoch')
    .orderBy('seq')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ ...row, keep_until: row.keep_until.getTime(), at: row.at.getTime() }))
}

/** The newest event that killed this session: its own, or one of its user. */
export function findEventOfSession(
  db: Kysely<DB>,
  sessionId: string,
  userId: string,
): Promise<Position | undefined> {
  return db
    .selectFrom('revocations')
    .select(['epoch', 'seq'])
    .where((e) =>
      e.or([
        e.and([e('kind', '=', 'session'), e('key', '=', sessionId)]),
        e.and([e('kind', '=', 'user'), e('key', '=', userId)]),
      ]),
    )
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
}
