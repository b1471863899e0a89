import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Fault } from '../fault.ts'
import type { Stage } from '../stage.ts'
import { Tally } from '../tally.ts'
import { accessTokens } from './none.ts'

const AT_ONCE = 5

export const killedBeforeAppend: Fault = {
  name: 'auth killed (-9) around the commit of logouts',
  async inject(stage, size) {
    const times = size === 'quick' ? 4 : 200
    const tally = new Tally(stage)
    const victim = stage.auth(0)
    const tokens = await accessTokens(stage, times * AT_ONCE)
    for (let index = 0; index < times; index++) {
      // The first is committed alone, and the others together.
      const answers = tokens.splice(0, AT_ONCE).map((token) => tally.logout(victim, token))
      await sleep((index * 1.3) % 7)
      await victim.kill()
      await Promise.all(answers)
      await victim.start()
    }
    return { ...(await tally.settle()), note: tally.others }
  },
}

/** Logs out on the instance that goes on, as often as it takes. */
async function insist(stage: Stage, tally: Tally, token: string): Promise<void> {
  let status = 503
  while (status === 503) status = await tally.logout(stage.auth(1), token)
}

async function untilRefused(stage: Stage, token: string): Promise<void> {
  let takers = 1
  while (takers > 0) takers = (await stage.verifiers[0]?.accepted([token]))?.length ?? 0
}

export const frozenHolder: Fault = {
  name: 'auth frozen, and somebody holds the head row',
  async inject(stage, size) {
    const times = size === 'quick' ? 1 : 5
    const tally = new Tally(stage)
    let slowest = 0
    for (let i = 0; i < times; i++) {
      const [first = '', ...tokens] = await accessTokens(stage, 12)
      const holder = new pg.Client({
        connectionString: stage.databaseUrl,
        idle_in_transaction_session_timeout: 1000,
      })
      holder.on('error', () => undefined)
      await holder.connect()
      await holder.query('begin; select from revocation_head for update')
      const frozen = tokens.map((token) => tally.logout(stage.auth(0), token))
      await sleep(5)
      stage.auth(0).freeze()
      const began = performance.now()
      const going = insist(stage, tally, first)
      await untilRefused(stage, first)
      slowest = Math.max(slowest, performance.now() - began)
      await going
      stage.auth(0).thaw()
      await Promise.all(frozen)
      await holder.end().catch(() => undefined)
    }
    return {
      ...(await tally.settle()),
      note: `a revocation by the others took ${(slowest / 1000).toFixed(2)} s`,
    }
  },
}

export const restartedBetween: Fault = {
  name: 'auth restarted between two logouts',
  async inject(stage) {
    const tally = new Tally(stage)
    const [first, second, third] = await accessTokens(stage, 3)
    if (first === undefined || second === undefined || third === undefined) throw new Error('no tokens')
    await tally.logout(stage.auth(0), first)
    await stage.auth(0).stop()
    await stage.auth(0).start()
    await tally.logout(stage.auth(0), second)
    await stage.auth(0).kill()
    await stage.auth(0).start()
    await tally.logout(stage.auth(0), third)
    return { ...(await tally.settle()), note: tally.others }
  },
}
