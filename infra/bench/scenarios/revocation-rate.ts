import pg from 'pg'
import type { RevocationEvent } from '@portcullis/schemas'
import { connectRedis, createPool, untilRedisReady } from '@portcullis/service-kit'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { createTransact } from '../../../services/auth/src/database/transaction.ts'
import { carryToRedis, defineAppend } from '../../../services/auth/src/revocation/append.ts'
import { createEndSession, type SessionEnd } from '../../../services/auth/src/sessions/end-together.ts'
import { endSession } from '../../../services/auth/src/sessions/queries.ts'
import { shareUser } from '../../../services/auth/src/users/queries.ts'
import { median } from '../../dev/statistics.ts'
import type { Pace } from '../compare.ts'
import type { Row } from '../report.ts'
import type { Stage } from '../stage.ts'
import { logout, newTokens } from './revocations.ts'

const CALLERS = 8
const OUTSTANDING = [1, 8] as const
const TARGET = 8000
/** More than are ended in a second. */
const SESSIONS_A_SECOND = 30_000
const USERS = 50
const HTTP_CLIENTS = [8, 64] as const

const isIds = Compile(Type.Array(Type.Object({ id: Type.String(), user_id: Type.String() })))

type End = (end: SessionEnd) => Promise<unknown>

/**
 * Sessions ended a second by callers in this process, until the commit is answered: each in a transaction of its own,
 * and together, in turn. What is committed is carried to Redis meanwhile. Then the same over HTTP, with the barrier.
 */
export async function revocationRate(stage: Stage, pace: Pace): Promise<Row[]> {
  const pool = createPool({ url: stage.setting.databases.auth, name: 'bench' })
  const redis = connectRedis(`${stage.setting.redisUrl}/1`, { name: 'bench' })
  defineAppend(redis)
  await untilRedisReady(redis)
  try {
    const options = {
      onRevoked: (events: readonly RevocationEvent[]) => void carryToRedis(redis, events).catch(() => false),
    }
    const transact = createTransact(pool, options)
    const alone: End = (end) =>
      transact(async (trx) => {
        await shareUser(trx, end.user_id)
        await endSession(trx, end.id, end.user_id, end.reason, end.ended_at)
        return { value: undefined, revoke: { kind: 'session', key: end.id } }
      })
    const rows: Row[] = []
    for (const outstanding of OUTSTANDING)
      rows.push(
        ...(await inProcess(pool, { alone, together: createEndSession(pool, options) }, outstanding, pace)),
      )
    for (const clients of HTTP_CLIENTS) rows.push(await overHttp(stage, clients, pace))
    return rows
  } finally {
    redis.disconnect()
    await pool.end()
  }
}

async function inProcess(
  pool: pg.Pool,
  { alone, together }: { readonly alone: End; readonly together: End },
  outstanding: number,
  { rounds, seconds }: Pace,
): Promise<Row[]> {
  const rates = { alone: [] as number[], together: [] as number[] }
  const duration = Math.min(seconds, 2)
  await rate(pool, alone, outstanding, 0.5)
  await rate(pool, together, outstanding, 0.5)
  for (let round = 0; round < rounds; round++) {
    rates.alone.push(await rate(pool, alone, outstanding, duration))
    rates.together.push(await rate(pool, together, outstanding, duration))
  }
  const [one, many] = [median(rates.alone), median(rates.together)]
  const who = `${CALLERS} callers, ${outstanding} outstanding each`
  return [
    {
      name: `revocations a second, ${who}`,
      figures: `${Math.round(many)} together ÷ ${Math.round(one)} one at a time = ${(many / one).toFixed(1)}; commit and carry, in process`,
      value: many,
      unit: '/s',
      ...(outstanding > 1 && { target: { bound: 'at least', value: TARGET } }),
    },
  ]
}

/** How many a second. */
async function rate(pool: pg.Pool, end: End, outstanding: number, seconds: number): Promise<number> {
  const sessions = await newSessions(pool, SESSIONS_A_SECOND * seconds)
  const began = performance.now()
  const until = began + seconds * 1000
  let count = 0
  const caller = async () => {
    for (let next = sessions.pop(); next && performance.now() < until; next = sessions.pop()) {
      await end({ ...next, reason: 'logout', ended_at: new Date() })
      count += 1
    }
  }
  await Promise.all(Array.from({ length: CALLERS * outstanding }, caller))
  return (count * 1000) / (performance.now() - began)
}

/** Sessions that nobody has logged in for, of several users. */
async function newSessions(pool: pg.Pool, count: number) {
  const client = new pg.Client({ connectionString: pool.options.connectionString })
  await client.connect()
  try {
    await client.query(
      `insert into users (username, password_hash) select 'bench-rate-' || n, 'none'
       from generate_series(1, $1::int) n on conflict do nothing`,
      [USERS],
    )
    const { rows } = await client.query(
      `insert into sessions (user_id, refresh_kid, issued_at, expires_at, ends_at)
       select u.id, 'none', now(), now() + interval '1 day', now() + interval '1 day'
       from generate_series(1, $1::int), lateral (
         select id from users where username like 'bench-rate-%' order by random() limit 1) u
       returning id, user_id`,
      [count],
    )
    return isIds.Parse(rows)
  } finally {
    await client.end()
  }
}

async function overHttp(stage: Stage, clients: number, { seconds }: Pace): Promise<Row> {
  const tokens = await newTokens(stage, 400 * seconds)
  const count = tokens.length
  let refused = 0
  const began = performance.now()
  const client = async () => {
    for (let token = tokens.pop(); token !== undefined; token = tokens.pop())
      if ((await logout(stage, token)) === Infinity) refused += 1
  }
  await Promise.all(Array.from({ length: clients }, client))
  const elapsed = performance.now() - began
  return {
    name: `POST /logout a second, ${clients} clients`,
    figures: `${count} in ${(elapsed / 1000).toFixed(1)} s, with the barrier, content as verifier, ${refused} refused`,
    value: ((count - refused) * 1000) / elapsed,
    unit: '/s',
  }
}
