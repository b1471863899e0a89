import { setTimeout as sleep } from 'node:timers/promises'
import { revocationKeys } from '@portcullis/schemas'
import type { Redis } from 'ioredis'
import type { Fault } from '../fault.ts'
import { Tally } from '../tally.ts'
import { accessTokens } from './none.ts'

const LOG = revocationKeys.log

/** What somebody who may write to Redis could do to the log, by mistake. */
const HARMS: readonly ((redis: Redis) => Promise<unknown>)[] = [
  (redis) => redis.xadd(LOG, '*', 'something', 'else'),
  (redis) => redis.xtrim(LOG, 'MAXLEN', 2),
  async (redis) => {
    const entries = await redis.xrevrange(LOG, '+', '-', 'COUNT', 5)
    return redis.xdel(LOG, ...entries.slice(1, 3).map(([id]) => id), '1-0')
  },
  (redis) => redis.del(LOG),
  // Reordered and doubled: the same events under other ids.
  async (redis) => {
    const entries = await redis.xrange(LOG, '-', '+', 'COUNT', 20)
    await redis.del(LOG)
    for (const [index, [, fields]] of entries.toReversed().entries()) {
      await redis.xadd(LOG, `1-${2 * index + 1}`, ...fields)
      await redis.xadd(LOG, `1-${2 * index + 2}`, ...fields)
    }
  },
  (redis) => redis.set(revocationKeys.beat, 'not a stream'),
  (redis) => redis.set(LOG, 'not a stream'),
]

export const damagedLog: Fault = {
  name: 'entries of the log foreign, truncated, missing, reordered, doubled',
  async inject(stage) {
    const tally = new Tally(stage)
    const redis = stage.openRedis()
    for (const harm of HARMS) {
      const tokens = await accessTokens(stage, 4)
      await tally.logout(stage.auth(0), tokens[0] ?? '')
      await harm(redis)
      for (const [index, token] of tokens.slice(1).entries()) await tally.logout(stage.auth(index), token)
      await sleep(50)
    }
    redis.disconnect()
    return { ...(await tally.settle()), note: tally.others }
  },
}
