import type { Kysely, Selectable } from 'kysely'
import type { Session } from '@portcullis/schemas'
import type { DB, Sessions } from '../../database/tables.ts'
import type { PageOfIds } from '../../lists/page.ts'

/** What users see of their sessions. */
const shown = ['id', 'created_at', 'last_used_at', 'expires_at', 'ip', 'user_agent'] as const

export type ShownSession = Pick<Selectable<Sessions>, (typeof shown)[number]>

/** The session as it crosses the process border. */
export function toSession(row: ShownSession, currentId: string): Session {
  return {
    ...row,
    created_at: row.created_at.toISOString(),
    last_used_at: row.last_used_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    current: row.id === currentId,
  }
}

/** Live sessions of the user, newest first, those with ids below `before`. */
export function listSessionsOfUser(
  db: Kysely<DB>,
  userId: string,
  now: Date,
  page: PageOfIds,
): Promise<ShownSession[]> {
  return db
    .selectFrom('sessions')
    .select(shown)
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .$if(page.before !== undefined, (query) => query.where('id', '<', page.before ?? ''))
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute()
}

/** Ends a live session of the user. @returns undefined if there is none of this id. */
export function endLiveSession(
  db: Kysely<DB>,
  id: string,
  userId: string,
  reason: string,
  now: Date,
): Promise<ShownSession | undefined> {
  return db
    .updateTable('sessions')
    .set({ ended_at: now, end_reason: reason })
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .returning(shown)
    .executeTakeFirst()
}
