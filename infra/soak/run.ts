import { rmSync } from 'node:fs'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { Stage } from '../chaos/stage.ts'
import { quantiles, Tally } from '../chaos/tally.ts'
import { signUp, tryLogin, type User } from '../chaos/users.ts'
import { numberOf, readArguments } from '../dev/arguments.ts'
import { runMain } from '../dev/run-main.ts'
import { complain, say, since } from '../dev/screen.ts'
import { grownBeyond, header, line, take, type Sample } from './memory.ts'

/**
 * Two instances of auth and four verifiers under a steady stream of revocations. Fails if the memory of any of them, or of
 * Redis, grows by more than the entries of the log take.
 *
 * Most revocations are made as a logout makes them, in the database, since that many users cannot log in on one
 * machine; five a second are logouts by HTTP, and are checked as in `npm run chaos`.
 */
const USAGE = 'npm run soak -- [--minutes 10] [--rate 500]'
const { values } = readArguments(USAGE, {
  minutes: { type: 'string', default: '10' },
  rate: { type: 'string', default: '500' },
})
const minutes = numberOf(USAGE, '--minutes', values.minutes)
const rate = numberOf(USAGE, '--rate', values.rate)
const VERIFIERS = 4
const BATCHES_PER_SECOND = 20
const LOGOUTS_PER_SECOND = 5
const SAMPLES = 10
const REVOKE = `select from generate_series(1, $1::int) n,
  lateral append_revocation('session', gen_random_uuid() || '.' || n, 0)`

/** Revokes at this rate until it is stopped. How many there were. */
async function revoke(databaseUrl: string, perSecond: number, signal: AbortSignal): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const began = performance.now()
  let count = 0
  try {
    while (!signal.aborted) {
      const due = Math.floor(((performance.now() - began) / 1000) * perSecond) - count
      if (due > 0) {
        await client.query('begin')
        await client.query('notify revocations')
        await client.query(REVOKE, [due])
        await client.query('commit')
        count += due
      }
      await sleep(1000 / BATCHES_PER_SECOND)
    }
  } finally {
    await client.end()
  }
  return count
}

/** Logs in and out by HTTP until it is stopped; what is answered with 503 is tried again later. */
async function logOut(stage: Stage, tally: Tally, user: User, signal: AbortSignal): Promise<void> {
  for (let i = 0; !signal.aborted; i++) {
    const pair = await tryLogin(stage.auth(i), user.username)
    if (typeof pair === 'object') await tally.logout(stage.auth(i), pair.access_token)
    await sleep(1000 / LOGOUTS_PER_SECOND, undefined, { signal }).catch(() => undefined)
  }
}

async function soak(stage: Stage, minutes: number, perSecond: number): Promise<string[]> {
  const done = new AbortController()
  const tally = new Tally(stage)
  const user = await signUp(stage.auth(0))
  const work = Promise.all([
    revoke(stage.databaseUrl, perSecond, done.signal),
    logOut(stage, tally, user, done.signal),
  ])
  // It is awaited at the end.
  work.catch(() => undefined)
  const samples: Sample[] = []
  console.log(header())
  for (let i = 0; i < SAMPLES; i++) {
    const sample = await take(stage, (minutes * 60_000) / SAMPLES)
    samples.push(sample)
    console.log(line(sample))
  }
  done.abort()
  const [revoked] = await work
  const finding = await tally.settle()
  const applied = stage.verifiers.flatMap((verifier) => verifier.applied)
  console.log(
    `${revoked} revocations, ${finding.revocations} logouts by HTTP: accepted afterwards ${finding.accepted}, ` +
      `barrier ${quantiles(tally.waits)}, commit → applied ${quantiles(applied)} ${tally.others}`,
  )
  const least = perSecond * minutes * 60 * 0.9
  return [
    ...grownBeyond(samples),
    ...(finding.accepted > 0 ? ['tokens were accepted after their logout'] : []),
    ...(finding.isRepaired ? [] : ['not every verifier serves at the end']),
    ...(revoked < least ? [`only ${revoked} revocations were made, this machine is too slow`] : []),
  ]
}

async function main(): Promise<number> {
  const began = performance.now()
  const stage = new Stage()
  let wrong: string[] = []
  try {
    await stage.set(VERIFIERS)
    say('stage', `2 × auth, ${VERIFIERS} × verifier (${since(began)})`)
    wrong = await soak(stage, minutes, rate)
  } finally {
    await stage.clear()
    rmSync(stage.folder, { recursive: true, force: true })
  }
  for (const what of wrong) complain('grown', what)
  const load = loadavg().map((value) => value.toFixed(1))
  say(
    wrong.length === 0 ? 'passed' : 'failed',
    `after ${since(began)}, load of the machine ${load.join(' ')}`,
  )
  return wrong.length === 0 ? 0 : 1
}

await runMain(main)
