import { setTimeout as sleep } from 'node:timers/promises'
import { describe, isRight, Load } from './load.ts'
import type { Stage, StoppableStore } from './stage.ts'
import { ReadyWatch } from './watch.ts'

/** What a case showed, for people, and what of it is wrong. */
export interface Verdict {
  readonly facts: string[]
  readonly wrong: string[]
  /** For the table of its kind. */
  readonly row?: Readonly<Record<string, string | number>>
}

const ANSWER_WITHIN_MS = 2000
export const RECOVER_WITHIN_MS = 3000
const STORE_AWAY_MS = 10_000

async function underLoad(stage: Stage, rate: number, act: (load: Load) => Promise<void>): Promise<Load> {
  const load = new Load(stage.origin, rate)
  await load.prepare()
  load.start()
  await sleep(2000)
  try {
    await act(load)
  } finally {
    await load.stop()
  }
  return load
}

async function nothingIsLost(load: Load, wrong: string[]): Promise<string> {
  const counted = `${load.acknowledged.length} acknowledged tasks, ${load.loggedOut.length} logouts`
  const results = load.results.length
  wrong.push(...(await load.missing()).slice(0, 10).map((what) => `lost after it was acknowledged: ${what}`))
  load.results.length = results
  return counted
}

/** SIGTERM to each instance in turn: no request fails, and each ends with exit code 0. */
export async function rollingRestart(stage: Stage, rate: number, seconds: number): Promise<Verdict> {
  const wrong: string[] = []
  const load = await underLoad(stage, rate, async () => {
    const until = performance.now() + seconds * 1000
    while (performance.now() < until) {
      for (const one of stage.instances) {
        const how = await one.end('SIGTERM')
        if (how !== 'exit code 0') wrong.push(`${one.name} ended with ${how}`)
        await one.start()
        await sleep(1500)
      }
    }
  })
  const failed = load.results.filter((result) => !isRight(result))
  wrong.push(...describe(failed))
  const pending = load.results.filter(({ status }) => status === 202).length
  const counted = await nothingIsLost(load, wrong)
  return {
    facts: [`${load.results.length} requests`, `${failed.length} failed`, `${pending} × 202`, counted],
    wrong,
  }
}

/** SIGKILL to one instance of each service: what fails was under way at that moment. */
export async function kill(stage: Stage, rate: number): Promise<Verdict> {
  const wrong: string[] = []
  const kills: number[] = []
  const load = await underLoad(stage, rate, async () => {
    for (const one of [stage.instances[3], stage.instances[1]]) {
      const at = performance.now()
      kills.push(at)
      await one?.end('SIGKILL')
      await sleep(3000)
      await one?.start()
      await sleep(2000)
    }
  })
  const failed = load.results.filter((result) => !isRight(result))
  // What was on its way to the instance when it was killed: begun a moment before, or at once after.
  const others = failed.filter(({ began, ended }) => !kills.some((at) => began < at + 50 && ended > at - 5))
  wrong.push(...describe(others).map((line) => `not in flight: ${line}`))
  const counted = await nothingIsLost(load, wrong)
  return {
    facts: [`${load.results.length} requests`, `${failed.length} in flight failed`, counted],
    wrong,
  }
}

/**
 * A store is away for ten seconds: every answer comes within two, what needs it is answered with 503 and
 * Retry-After, and all is well by itself within three after its return.
 */
export async function storesAway(
  stage: Stage,
  rate: number,
  stores: readonly StoppableStore[],
): Promise<Verdict> {
  const wrong: string[] = []
  const watches = stage.instances.map(({ name, url }) => ({ name, watch: new ReadyWatch(url) }))
  let away = 0
  let back = 0
  const load = await underLoad(stage, rate, async () => {
    away = performance.now()
    await Promise.all(stores.map((store) => store.stop()))
    await sleep(Math.max(0, STORE_AWAY_MS - (performance.now() - away)))
    await Promise.all(stores.map((store) => store.start()))
    back = performance.now()
    await sleep(RECOVER_WITHIN_MS + 3000)
  })
  await Promise.all(watches.map(({ watch }) => watch.stop()))
  const failed = load.results.filter((result) => !isRight(result))
  const unfit = failed.filter(({ status, hasRetryAfter }) => status !== 503 || !hasRetryAfter)
  wrong.push(...describe(unfit).map((line) => `no 503 with Retry-After: ${line}`))
  const slowest = Math.max(...load.results.map(({ began, ended }) => ended - began))
  if (slowest > ANSWER_WITHIN_MS) {
    const slow = load.results.filter(({ began, ended }) => ended - began > ANSWER_WITHIN_MS)
    wrong.push(...describe(slow).map((line) => `slower than 2 s: ${line}`))
  }
  const last = Math.max(0, ...failed.map(({ ended }) => ended - back))
  if (last > RECOVER_WITHIN_MS) wrong.push(`requests failed for ${last.toFixed(0)} ms after the return`)
  const facts = [
    `${load.results.length} requests`,
    `${failed.length} × 503`,
    `slowest ${slowest.toFixed(0)} ms`,
    `last failure ${last.toFixed(0)} ms after the return`,
  ]
  for (const { name, watch } of watches) {
    const down = watch.firstAfter(away, false)
    const up = watch.firstAfter(Math.max(back, down ?? back), true)
    if (up === undefined || up - back > RECOVER_WITHIN_MS) wrong.push(`${name} is not ready again in time`)
    facts.push(
      down === undefined
        ? `${name} stayed ready`
        : `${name} unready after ${(down - away).toFixed(0)} ms, ready ${((up ?? Infinity) - back).toFixed(0)} ms after the return`,
    )
  }
  facts.push(await nothingIsLost(load, wrong))
  return { facts, wrong }
}
