import type { Kysely } from 'kysely'
import type { UserChanges } from '@portcullis/schemas'
import type { DB } from '../../database/tables.ts'
import { findUserChangesHead, listUserChangesAfter, listUsersAsChanges } from '../../users/changes.ts'
import { formatCursor, type ChangesCursor } from './cursor.ts'

/**
 * What follows a cursor; without one, the users as they are, and then the changes since the first of them was
 * read. A user who changes meanwhile comes again among the changes, so that the last that is told is the newest.
 *
 * @returns undefined if what follows the cursor is kept no longer, or the log is another one by now
 */
export async function readUserChanges(
  db: Kysely<DB>,
  cursor: ChangesCursor | undefined,
  limit: number,
): Promise<UserChanges | undefined> {
  return cursor?.phase === 'changes'
    ? readChanges(db, cursor.epoch, cursor.seq, limit)
    : readUsers(db, cursor, limit)
}

async function readChanges(
  db: Kysely<DB>,
  epoch: number,
  after: number,
  limit: number,
): Promise<UserChanges | undefined> {
  // Before the head: what is pruned in between shows in its base.
  const items = await listUserChangesAfter(db, after, limit)
  const head = await findUserChangesHead(db)
  if (epoch !== head.epoch || after < head.base || after > head.seq) return undefined
  const seq = items.at(-1)?.seq ?? after
  return { items, next: formatCursor({ phase: 'changes', epoch, seq }), more: seq < head.seq, snapshot: null }
}

async function readUsers(
  db: Kysely<DB>,
  cursor: Extract<ChangesCursor, { phase: 'users' }> | undefined,
  limit: number,
): Promise<UserChanges | undefined> {
  // Before the users: a change that they do not show yet comes after it in the log.
  const head = await findUserChangesHead(db)
  const { epoch, seq, afterId } = cursor ?? { ...head, afterId: undefined }
  if (epoch !== head.epoch || seq < head.base || seq > head.seq) return undefined
  const items = await listUsersAsChanges(db, afterId, seq, limit)
  const last = items.length === limit ? items.at(-1) : undefined
  const next: ChangesCursor = last
    ? { phase: 'users', epoch, seq, afterId: last.user_id }
    : { phase: 'changes', epoch, seq }
  return {
    items,
    next: formatCursor(next),
    more: last !== undefined || seq < head.seq,
    snapshot: { seq, complete: last === undefined },
  }
}
