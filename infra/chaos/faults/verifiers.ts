import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import { Tally } from '../tally.ts'
import { accessTokens } from './none.ts'

export const frozenVerifier: Fault = {
  name: 'a verifier frozen (SIGSTOP)',
  async inject(stage, size) {
    const tally = new Tally(stage)
    const [victim] = stage.verifiers
    for (const seconds of size === 'quick' ? [1, 5] : [1, 5, 40]) {
      const tokens = await accessTokens(stage, seconds * 4)
      victim?.signal('SIGSTOP')
      const until = performance.now() + seconds * 1000
      for (const [index, token] of tokens.entries()) {
        if (performance.now() > until) break
        await tally.logout(stage.auth(index), token)
      }
      await sleep(Math.max(0, until - performance.now()))
      victim?.signal('SIGCONT')
    }
    return { ...(await tally.settle()), note: tally.others }
  },
}

export const startingVerifiers: Fault = {
  name: 'a verifier starting and another restarting amid revocations',
  async inject(stage, size) {
    const tally = new Tally(stage)
    const tokens = await accessTokens(stage, size === 'quick' ? 200 : 1000)
    const restarting = stage.verifiers[1]
    const changes = (async () => {
      const [added] = await stage.addVerifiers(1)
      await restarting?.kill()
      await restarting?.start()
      return added
    })()
    const lanes = [0, 1].map(async (lane) => {
      for (let i = lane; i < tokens.length; i += 2) await tally.logout(stage.auth(lane), tokens[i] ?? '')
    })
    const [added] = await Promise.all([changes, ...lanes])
    const finding = await tally.settle()
    if (added) await stage.removeVerifier(added)
    return { ...finding, note: tally.others }
  },
}

export const wrongClocks: Fault = {
  name: 'the clock of a verifier 10 minutes off, either way',
  async inject(stage) {
    const tally = new Tally(stage)
    const [victim] = stage.verifiers
    for (const minutes of [10, -10, 0]) {
      const tokens = await accessTokens(stage, 5)
      await victim?.ask({ clockOffset: minutes * 60_000 })
      for (const [index, token] of tokens.entries()) await tally.logout(stage.auth(index), token)
    }
    return { ...(await tally.settle()), note: tally.others }
  },
}
