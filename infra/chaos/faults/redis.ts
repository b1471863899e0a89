import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Fault } from '../fault.ts'
import type { Stage } from '../stage.ts'
import { Tally, type Finding } from '../tally.ts'
import { accessTokens } from './none.ts'

/** So many logouts are over before their access tokens expire, also where each of them waits. */
const AT_A_TIME = 500

/** Logs out in two lanes, and does harm again and again meanwhile. */
async function underLogouts(
  stage: Stage,
  count: number,
  harm: (redis: Redis, round: number) => Promise<unknown>,
  everyMs: number,
): Promise<Finding> {
  const tally = new Tally(stage)
  const redis = stage.openRedis()
  const done = new AbortController()
  let rounds = 0
  const harming = (async () => {
    while (!done.signal.aborted) {
      await harm(redis, rounds++)
      await sleep(everyMs * (0.5 + Math.random()))
    }
  })()
  for (let left = count; left > 0; left -= AT_A_TIME) {
    const tokens = await accessTokens(stage, Math.min(left, AT_A_TIME))
    const lanes = [0, 1].map(async (lane) => {
      for (let i = lane; i < tokens.length; i += 2) await tally.logout(stage.auth(lane), tokens[i] ?? '')
    })
    await Promise.all(lanes)
  }
  done.abort()
  await harming
  redis.disconnect()
  return { ...(await tally.settle()), note: [`${rounds} ×`, tally.others].join(' ') }
}

export const flushed: Fault = {
  name: 'FLUSHALL at random moments, inside barriers too',
  // The longer the log, the longer it takes to write it again: more often, and no logout would be confirmed.
  inject: (stage, size) =>
    underLogouts(
      stage,
      size === 'quick' ? 60 : 3000,
      (redis) => redis.flushall(),
      size === 'quick' ? 30 : 1000,
    ),
}

export const restartedEmpty: Fault = {
  name: 'Redis killed and restarted empty, under load',
  inject: (stage, size) =>
    underLogouts(
      stage,
      size === 'quick' ? 60 : 1000,
      async () => {
        await stage.killRedis()
        await sleep(100)
        await stage.startRedisEmpty()
      },
      1500,
    ),
}

export const away: Fault = {
  name: 'Redis away',
  async inject(stage, size) {
    const tally = new Tally(stage)
    const [count, seconds] = size === 'quick' ? [20, 4] : [60, 10]
    const tokens = await accessTokens(stage, count)
    await stage.killRedis()
    const until = performance.now() + seconds * 1000
    for (const [index, token] of tokens.entries()) {
      if (performance.now() > until) break
      await tally.logout(stage.auth(index), token)
      await sleep(100)
    }
    await sleep(Math.max(0, until - performance.now()))
    await stage.startRedisEmpty()
    return { ...(await tally.settle()), note: [`${seconds} s`, tally.others].join(' ') }
  },
}

export const paused: Fault = {
  name: 'CLIENT PAUSE',
  inject: (stage, size) =>
    underLogouts(
      stage,
      size === 'quick' ? 30 : 300,
      (redis) => redis.call('CLIENT', 'PAUSE', '700', 'ALL'),
      1500,
    ),
}

export const killedConnections: Fault = {
  name: 'CLIENT KILL of everybody',
  inject: (stage, size) =>
    underLogouts(
      stage,
      size === 'quick' ? 100 : 1000,
      (redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
      size === 'quick' ? 400 : 2000,
    ),
}
