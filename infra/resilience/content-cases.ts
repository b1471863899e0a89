import { setTimeout as sleep } from 'node:timers/promises'
import { RECOVER_WITHIN_MS, type Verdict } from './cases.ts'
import { ContentLoad } from './content-load.ts'
import { describe } from './load.ts'
import type { Stage } from './stage.ts'

const LOAD_MS = 30_000
const LAG_MS = 1000

/**
 * A store goes and comes back under readers and writers of content: every read tells what was acknowledged, nothing
 * but 503 with Retry-After is refused, and all is well by itself after its return.
 */
async function underContent(
  stage: Stage,
  injected: string,
  fault: { readonly away: () => Promise<void>; readonly back: () => Promise<void>; readonly awayMs: number },
): Promise<Verdict> {
  const load = new ContentLoad(stage.origin)
  await load.prepare()
  const began = performance.now()
  load.start()
  await sleep(5000)
  await fault.away()
  await sleep(fault.awayMs)
  await fault.back()
  const back = performance.now()
  await sleep(Math.max(RECOVER_WITHIN_MS, LOAD_MS - (performance.now() - began)))
  await load.stop()

  const refused = load.results.filter(({ status }) => status === 503)
  const failed = load.results.filter(
    ({ status, hasRetryAfter }) => status === 0 || (status >= 500 && !(status === 503 && hasRetryAfter)),
  )
  const results = load.results.length
  const lastMs = Math.max(0, ...refused.map(({ ended }) => ended - back))
  await sleep(LAG_MS)
  await load.check()
  const wrong = [...load.wrong.slice(0, 10), ...describe(failed)]
  if (lastMs > RECOVER_WITHIN_MS) wrong.push(`refused for ${lastMs.toFixed(0)} ms after the return`)
  const row = {
    injected,
    answers: results,
    'reads checked': load.reads,
    'writes acknowledged': load.writes,
    'wrong or lost': load.wrong.length,
    'refused (503)': refused.length,
    'other failures': failed.length,
    'last 503 after the return': `${(lastMs / 1000).toFixed(1)} s`,
  }
  return {
    facts: Object.entries(row)
      .map(([name, value]) => `${name}: ${value}`)
      .slice(1),
    wrong,
    row,
  }
}

export async function contentWithoutRedis(stage: Stage): Promise<Verdict> {
  const { redis } = stage
  const verdict = await underContent(stage, 'kill -9 of Redis, back after 10 s', {
    away: () => redis.kill(),
    back: () => redis.start(),
    awayMs: 10_000,
  })
  // The feed goes on: nothing needs Redis.
  if (verdict.row?.['refused (503)'] !== 0)
    verdict.wrong.push('refused although the log could be followed by the feed')
  return verdict
}

export function contentWithoutPostgres(stage: Stage): Promise<Verdict> {
  const { postgres } = stage
  return underContent(stage, 'restart of PostgreSQL', {
    away: () => postgres.stop(),
    back: () => postgres.start(),
    awayMs: 0,
  })
}
