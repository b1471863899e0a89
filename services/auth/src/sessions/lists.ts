import type { Kysely, Selectable } from 'kysely'
import type { Session } from '@portcullis/schemas'
import type { DB, Sessions } from '../database/tables.ts'
import type { PageOfIds } from '@portcullis/service-kit'

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
  let query = db
    .selectFrom('sessions')
    .select(shown)
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .orderBy('id', 'desc')
    .limit(page.limit)
  if (page.before !== undefined) query = query.where('id', '<', page.before)
  return query.execute()
}

/** Live sessions of one user or of everybody, newest first, with whose they are. For operators. */
export function listSessions(
  db: Kysely<DB>,
  userId: string | undefined,
  now: Date,
  page: PageOfIds,
): Promise<(ShownSession & { readonly user_id: string; readonly username: string })[]> {
  let query = db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(['sessions.id', 'user_id', 'username', 'sessions.created_at', 'last_used_at', 'expires_at'])
    .select(['ip', 'user_agent'])
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .orderBy('sessions.id', 'desc')
    .limit(page.limit)
  if (userId !== undefined) query = query.where('user_id', '=', userId)
  if (page.before !== undefined) query = query.where('sessions.id', '<', page.before)
  return query.execute()
}

/** Whose session this is, alive or not. */
export async function findUserIdOfSession(db: Kysely<DB>, id: string): Promise<string | undefined> {
  const row = await db.selectFrom('sessions').select('user_id').where('id', '=', id).executeTakeFirst()
  return row?.user_id
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
