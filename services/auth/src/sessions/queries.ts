import { sql, type Kysely } from 'kysely'
import { statement, type Param } from '@portcullis/service-kit'
import type { DB } from '../database/tables.ts'
import { isRefreshKeyKept } from '../keys/queries.ts'
import type { SessionState } from './decide-rotation.ts'
import type { Device } from './device.ts'

/** What a new session, or a new generation of one, is made of. */
export interface PairColumns {
  readonly refresh_kid: string
  readonly issued_at: Date
  readonly expires_at: Date
  readonly ends_at: Date
}

const mirrored = ['id', 'user_id', 'gen', 'ip', 'user_agent', 'last_used_at', 'expires_at'] as const
export const pairColumns = [...mirrored, 'refresh_kid', 'issued_at', 'ends_at'] as const

function selectSession(db: Kysely<DB>, id: string, userId: string) {
  return db
    .selectFrom('sessions')
    .select([...pairColumns, 'rotated_by', 'rotated_at', 'ended_at'])
    .where('id', '=', id)
    .where('user_id', '=', userId)
}

/** The session of this user, locked. */
export function lockSession(db: Kysely<DB>, id: string, userId: string) {
  return selectSession(db, id, userId).forUpdate().executeTakeFirst()
}

export type LockedSession = NonNullable<Awaited<ReturnType<typeof lockSession>>>

/** The columns that decide what becomes of a refresh token, as values. */
export function stateOf(session: LockedSession): SessionState {
  return {
    gen: session.gen,
    endedAt: session.ended_at?.getTime(),
    expiresAt: session.expires_at.getTime(),
    endsAt: session.ends_at.getTime(),
    rotatedBy: session.rotated_by ?? undefined,
    rotatedAt: session.rotated_at?.getTime(),
  }
}

/** A refresh token, as far as its row is looked for. */
export interface Presented {
  /** Of the session that it names. */
  readonly id: string
  readonly userId: string
  /** Of the key that has signed it. */
  readonly kid: string
}

/** What would decide about a refresh token now; undefined too if its key has been given up. */
export async function findSessionState(
  db: Kysely<DB>,
  { id, userId, kid }: Presented,
): Promise<SessionState | undefined> {
  const session = await selectSession(db, id, userId)
    .where(isRefreshKeyKept(sql.val(kid)))
    .executeTakeFirst()
  return session && stateOf(session)
}

export interface NextGeneration extends Omit<PairColumns, 'ends_at'>, Device {
  readonly id: string
  readonly gen: number
  readonly rotated_by: 'refresh' | 'profile'
  readonly rotated_at: Date
}

/** The next generation of a session takes the place of the current one. */
export const updateSessionPair = statement((db: Kysely<DB>, param: Param<NextGeneration>) =>
  db
    .updateTable('sessions')
    .set({
      gen: param('gen'),
      refresh_kid: param('refresh_kid'),
      issued_at: param('issued_at'),
      expires_at: param('expires_at'),
      rotated_by: param('rotated_by'),
      rotated_at: param('rotated_at'),
      last_used_at: param('rotated_at'),
      ip: param('ip'),
      user_agent: param('user_agent'),
    })
    .where('id', '=', param('id'))
    .returning(pairColumns),
)

/** Ends the session. @returns whether it was alive */
export async function endSession(
  db: Kysely<DB>,
  id: string,
  userId: string,
  reason: string,
  endedAt: Date,
): Promise<boolean> {
  const result = await db
    .updateTable('sessions')
    .set({ ended_at: endedAt, end_reason: reason })
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** Live sessions of the user beyond the newest so many, the newest of them first. */
export async function listSessionIdsBeyond(
  db: Kysely<DB>,
  userId: string,
  newest: number,
  limit: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom('sessions')
    .select('id')
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .orderBy('id', 'desc')
    .offset(newest)
    .limit(limit)
    .execute()
  return rows.map((row) => row.id)
}

/**
 * Ends every session of the user.
 *
 * @returns ids of those that were alive; a session that had already expired is ended but not listed
 */
export async function endSessionsOfUser(
  db: Kysely<DB>,
  userId: string,
  reason: string,
  endedAt: Date,
): Promise<string[]> {
  const rows = await db
    .updateTable('sessions')
    .set({ ended_at: endedAt, end_reason: reason })
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .returning(['id', 'expires_at'])
    .execute()
  return rows.filter((row) => row.expires_at > endedAt).map((row) => row.id)
}

/** A live session as operators see it in Redis; never a token. */
export interface MirroredSession {
  readonly id: string
  readonly user_id: string
  readonly gen: number
  readonly ip: string | null
  readonly user_agent: string | null
  readonly last_used_at: Date
  readonly expires_at: Date
}

/** Live sessions of everybody, in the order of their ids. */
export function listLiveSessions(
  db: Kysely<DB>,
  afterId: string | undefined,
  limit: number,
): Promise<MirroredSession[]> {
  let query = db
    .selectFrom('sessions')
    .select(mirrored)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .orderBy('id')
    .limit(limit)
  if (afterId !== undefined) query = query.where('id', '>', afterId)
  return query.execute()
}

/** Which sessions of these users are alive. */
export async function listLiveSessionIds(
  db: Kysely<DB>,
  userIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('sessions')
    .select('id')
    .where(sql<boolean>`user_id = any(${userIds}::uuid[])`)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .execute()
  return new Set(rows.map((row) => row.id))
}
