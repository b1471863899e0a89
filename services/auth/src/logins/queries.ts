import { sql, type Kysely, type Selectable } from 'kysely'
import type { LoginAttempt, LoginFailure } from '@portcullis/schemas'
import type { DB, LoginHistory } from '../database/tables.ts'
import type { PageOfIds } from '@portcullis/service-kit'
import type { Device } from '../sessions/device.ts'

/** Failures that cost whoever causes them nothing; of each sort a user's history takes so many an hour. */
const CHEAP_FAILURES: ReadonlySet<LoginFailure> = new Set(['throttled', 'busy'])
export const MAX_CHEAP_FAILURES_AN_HOUR = 100

const shown = ['id', 'at', 'ip', 'user_agent', 'outcome', 'session_id'] as const

/** The attempt as it crosses the process border. */
export function toLoginAttempt(row: Pick<Selectable<LoginHistory>, (typeof shown)[number]>): LoginAttempt {
  return { ...row, at: row.at.toISOString() }
}

export interface FailedLogin extends Device {
  readonly userId: string
  readonly outcome: LoginFailure
}

/**
 * Notes a failed login. The id tells the time of the attempt as `at` does, so that the order of ids is that of
 * the attempts even if this one is written after later ones.
 *
 * @param secondsAgo when it failed
 */
export async function insertFailedLogin(
  db: Kysely<DB>,
  { userId, outcome, ip, user_agent }: FailedLogin,
  secondsAgo: number,
): Promise<void> {
  const age = sql`make_interval(secs => ${secondsAgo}::float8)`
  const room = CHEAP_FAILURES.has(outcome)
    ? sql`(select count(*) from (
        select from login_history
        where user_id = ${userId}::uuid and id > (select uuidv7(interval '-1 hour')) and outcome = ${outcome}::text
        limit ${MAX_CHEAP_FAILURES_AN_HOUR}) latest) < ${MAX_CHEAP_FAILURES_AN_HOUR}`
    : sql`true`
  await sql`
    insert into login_history (id, user_id, at, ip, user_agent, outcome)
    select uuidv7(-${age}), id, now() - ${age}, ${ip}::inet, ${user_agent}::text, ${outcome}::text
    from users where id = ${userId}::uuid and ${room}`.execute(db)
}

/** Attempts to log in as the user, newest first, those with ids below `before`. */
export function listLogins(db: Kysely<DB>, userId: string, page: PageOfIds) {
  let query = db
    .selectFrom('login_history')
    .select(shown)
    .where('user_id', '=', userId)
    .orderBy('id', 'desc')
    .limit(page.limit)
  if (page.before !== undefined) query = query.where('id', '<', page.before)
  return query.execute()
}
