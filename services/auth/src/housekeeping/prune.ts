import { sql, type Kysely } from 'kysely'
import type { DB } from '../database/tables.ts'

/**
 * How long the row of a session stays after its end, or after it has expired: longer than any access token lives,
 * so that whoever logs out with one still finds what has to be ended.
 */
const SESSION_KEPT = sql`interval '1 day'`

/** Drops sessions that ended or expired, at most so many. @returns how many there were */
export async function pruneSessions(db: Kysely<DB>, limit: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('sessions')
    .where('id', 'in', (sessions) =>
      sessions
        .selectFrom('sessions')
        .select('id')
        .where((e) =>
          e.or([
            e('ended_at', '<', sql<Date>`now() - ${SESSION_KEPT}`),
            e.and([e('ended_at', 'is', null), e('expires_at', '<', sql<Date>`now() - ${SESSION_KEPT}`)]),
          ]),
        )
        .limit(limit)
        // A session that somebody is just using is left alone.
        .forUpdate()
        .skipLocked(),
    )
    .executeTakeFirst()
  return Number(numDeletedRows)
}

/** Drops the attempts to log in that are older than so many days, at most so many. @returns how many there were */
export async function pruneLogins(db: Kysely<DB>, days: number, limit: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('login_history')
    .where('id', 'in', (logins) =>
      logins
        .selectFrom('login_history')
        .select('id')
        .where('at', '<', sql<Date>`now() - make_interval(days => ${days})`)
        .orderBy('at')
        .limit(limit),
    )
    .executeTakeFirst()
  return Number(numDeletedRows)
}
