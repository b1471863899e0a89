import { randomInt } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { listSessionIdsBeyond } from '../../sessions/queries.ts'
import { endOneSession } from '../../sessions/end.ts'

/**
 * How many live sessions a user may have, or some more: far more than anybody has devices, and few enough that one
 * statement ends them all in time. Whoever could open any number could never be logged out, nor disabled.
 */
const MAX_SESSIONS_OF_USER = 10_000
/** One login in this many counts the user's sessions. */
const COUNT_EVERY = 20
/** How many it then ends at most: more than were opened since. */
const MOST_AT_ONCE = 3 * COUNT_EVERY

/** Ends the oldest sessions of a user who has too many, after some of the logins, while nobody waits for it. */
export function endExcessSoon(app: FastifyInstance, userId: string): void {
  if (randomInt(COUNT_EVERY) !== 0) return
  endExcess(app, userId, MAX_SESSIONS_OF_USER).catch((error: unknown) => {
    app.log.warn({ err: error, user_id: userId }, 'sessions beyond the limit could not be ended')
  })
}

/**
 * Ends the oldest sessions beyond the newest `most`, some at a time.
 *
 * @returns how many it ended
 */
export async function endExcess(app: FastifyInstance, userId: string, most: number): Promise<number> {
  const ids = await listSessionIdsBeyond(app.db, userId, most, MOST_AT_ONCE)
  for (const id of ids) await endOneSession(app, userId, id, 'too_many')
  return ids.length
}
