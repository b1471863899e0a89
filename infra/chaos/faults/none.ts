import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import type { Stage } from '../stage.ts'
import { quantiles, Tally } from '../tally.ts'
import { login, signUp } from '../users.ts'

/** The access tokens of so many logins. */
export async function accessTokens(stage: Stage, count: number): Promise<string[]> {
  const users = await Promise.all(Array.from({ length: 4 }, (_, index) => signUp(stage.auth(index))))
  const tokens: string[] = []
  const lanes = users.map(async (user, index) => {
    for (let i = index; i < count; i += users.length)
      tokens.push((await login(stage.auth(i), user)).access_token)
  })
  await Promise.all(lanes)
  return tokens
}

export const steadyLogouts: Fault = {
  name: 'none: logouts at a steady rate',
  async inject(stage, size) {
    const [perSecond, seconds] = size === 'quick' ? [100, 4] : [200, 60]
    const tally = new Tally(stage)
    for (const verifier of stage.verifiers) verifier.applied.length = 0
    const tokens = await accessTokens(stage, perSecond * seconds)
    const underWay: Promise<unknown>[] = []
    const began = performance.now()
    for (const [index, token] of tokens.entries()) {
      const early = began + (index * 1000) / perSecond - performance.now()
      if (early > 0) await sleep(early)
      underWay.push(tally.logout(stage.auth(index), token))
    }
    await Promise.all(underWay)
    const { repairedMs: _, ...finding } = await tally.settle()
    const applied = stage.verifiers.flatMap((verifier) => verifier.applied)
    return { ...finding, note: `commit → applied ${quantiles(applied)} ${tally.others}` }
  },
}

export const requestAfterLogout: Fault = {
  name: 'none: logout, then at once a request to each verifier',
  async inject(stage, size) {
    const count = size === 'quick' ? 300 : 10_000
    const tally = new Tally(stage)
    for (let left = count; left > 0; left -= 500)
      for (const [index, token] of (await accessTokens(stage, Math.min(left, 500))).entries())
        await tally.logout(stage.auth(index), token)
    const { repairedMs: _, ...finding } = await tally.settle()
    return { ...finding, note: `barrier ${quantiles(tally.waits)} ${tally.others}` }
  },
}
