import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { revocationKeys } from '@portcullis/schemas'
import { startSentinels, type TestRedis } from '@portcullis/test-kit'
import { findRedis } from '../../dev/redis-program.ts'
import type { Fault } from '../fault.ts'
import { Stage } from '../stage.ts'
import { Tally, type Finding } from '../tally.ts'
import { accessTokens } from './none.ts'

const FAILOVERS = 10
const LOGOUTS = 100
/** Logouts so far apart that a second of them is lost. */
const APART_MS = 30
const LOST_MS = 1000
const PATIENCE_MS = 10_000

/** On a stage of its own, with a primary, a replica and three Sentinels. */
export const losingFailover: Fault = {
  name: 'Sentinel failover that loses 1 s of acknowledged writes',
  isLarge: true,
  async inject() {
    process.env['TEST_REDIS_SERVER'] = (await findRedis()).path
    const ends: (() => unknown)[] = []
    const sentinels = await startSentinels({ teardown: (end) => void ends.unshift(end) })
    const stage = new Stage(sentinels.url(1))
    try {
      await stage.set()
      const total = { revocations: 0, accepted: 0, repairedMs: 0, isRepaired: true }
      let [lost, slowestMs] = [0, 0]
      for (let round = 0; round < FAILOVERS; round++) {
        const tally = new Tally(stage)
        const dead: string[] = []
        const tokens = await accessTokens(stage, LOGOUTS)
        const leader = await sentinels.primary()
        const harming = (async () => {
          await sleep(LOST_MS / 2)
          await sentinels.cutReplica()
          await sleep(LOST_MS)
          await leader.kill()
          await sentinels.untilFailover(leader)
          const successor = await sentinels.primary()
          const known = [...dead]
          lost += await missingIn(successor, known)
          slowestMs = Math.max(slowestMs, await untilWhole(successor, known))
        })()
        for (const [index, token] of tokens.entries()) {
          const status = await tally.logout(stage.auth(index), token)
          if (status === 200 || status === 202) dead.push(token)
          await sleep(APART_MS)
        }
        await harming
        const found = await tally.settle()
        total.revocations += found.revocations
        total.accepted += found.accepted
        total.repairedMs = Math.max(total.repairedMs, found.repairedMs ?? 0)
        total.isRepaired &&= found.isRepaired
        await leader.restart()
        await sentinels.untilReplicated()
      }
      return {
        ...total,
        note: `${FAILOVERS} ×, ${lost} lost, all back after ${Math.round(slowestMs)} ms`,
      } satisfies Finding
    } finally {
      await stage.clear()
      for (const end of ends) await end()
    }
  },
}

/** How many of these tokens' sessions can be looked up in vain. */
async function missingIn({ port }: TestRedis, tokens: readonly string[]): Promise<number> {
  const redis = new Redis(port, '127.0.0.1', { db: 1, protocol: 2 })
  try {
    const found = await redis.mget(tokens.map((token) => revocationKeys.event('session', sessionOf(token))))
    return found.filter((value) => value === null).length
  } finally {
    redis.disconnect()
  }
}

/** Milliseconds until all of them can be looked up. */
async function untilWhole(server: TestRedis, tokens: readonly string[]): Promise<number> {
  const began = performance.now()
  while ((await missingIn(server, tokens)) > 0) {
    if (performance.now() - began > PATIENCE_MS) throw new Error('events stay away from the new primary')
    await sleep(20)
  }
  return performance.now() - began
}

function sessionOf(token: string): string {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return String(Reflect.get(Object(claims), 'sid'))
}
