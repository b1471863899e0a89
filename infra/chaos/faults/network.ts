import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import { VERDICTS } from '../messages.ts'
import { Tally } from '../tally.ts'
import { login, signUp } from '../users.ts'
import { accessTokens } from './none.ts'

export const halfOpen: Fault = {
  name: 'half-open connections between verifiers and Redis',
  async inject(stage, size) {
    const tally = new Tally(stage)
    for (let round = 0; round < (size === 'quick' ? 1 : 10); round++) {
      for (const verifier of stage.verifiers) verifier.redisWay.cut()
      for (const [index, token] of (await accessTokens(stage, 6)).entries())
        await tally.logout(stage.auth(index), token)
      for (const verifier of stage.verifiers) verifier.redisWay.heal()
    }
    return { ...(await tally.settle()), note: tally.others }
  },
}

export const cutFromRedis: Fault = {
  name: 'a verifier cut off from Redis only',
  async inject(stage, size) {
    const tally = new Tally(stage)
    const [cut] = stage.verifiers
    if (!cut) throw new Error('there is no verifier')
    const tokens = await accessTokens(stage, size === 'quick' ? 30 : 300)
    cut.redisWay.cut()
    let oldest = 0
    const done = new AbortController()
    const looking = (async () => {
      while (!done.signal.aborted) {
        oldest = Math.max(oldest, (await cut.ask())?.ageMs ?? 0)
        await sleep(20)
      }
    })()
    for (const [index, token] of tokens.entries()) {
      await tally.logout(stage.auth(index), token)
      await sleep(50)
    }
    done.abort()
    await looking
    cut.redisWay.heal()
    return {
      ...(await tally.settle()),
      note: `its age stayed below ${(oldest / 1000).toFixed(2)} s ${tally.others}`,
    }
  },
}

export const cutFromAll: Fault = {
  name: 'a verifier cut off from Redis and auth',
  async inject(stage) {
    const tally = new Tally(stage)
    const [cut] = stage.verifiers
    if (!cut) throw new Error('there is no verifier')
    const live = (await login(stage.auth(0), await signUp(stage.auth(0)))).access_token
    const tokens = await accessTokens(stage, 60)
    cut.redisWay.cut()
    cut.authWay.cut()
    const began = performance.now()
    let wrong = 0
    let strictUntil = 0
    let boundedUntil = 0
    for (const [index, token] of tokens.entries()) {
      const status = await tally.logout(stage.auth(index), token)
      // Also a route that is marked bounded must refuse what a 200 has said to be dead.
      if (status === 200) wrong += (await cut.accepted([token], true)).length
      const [strict, bounded] = await Promise.all([
        cut.ask({ tokens: [live] }),
        cut.ask({ tokens: [live], bounded: true }),
      ])
      const elapsed = performance.now() - began
      if (strict?.verdicts[0] === VERDICTS.accepted) strictUntil = elapsed
      if (bounded?.verdicts[0] === VERDICTS.accepted) boundedUntil = elapsed
      if ([strict, bounded].some((answer) => answer?.verdicts[0] === VERDICTS.refused)) wrong++
      if (elapsed > 14_000) break
      await sleep(50)
    }
    cut.redisWay.heal()
    cut.authWay.heal()
    const healed = performance.now()
    while (!(await cut.ask())?.ready) await sleep(10)
    const back = performance.now() - healed
    const finding = await tally.settle()
    const seconds = (ms: number) => (ms / 1000).toFixed(1)
    return {
      ...finding,
      accepted: finding.accepted + wrong,
      repairedMs: back,
      note: `strict until ${seconds(strictUntil)} s, bounded until ${seconds(boundedUntil)} s, then 503 ${tally.others}`,
    }
  },
}
