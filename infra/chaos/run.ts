import { rmSync } from 'node:fs'
import { loadavg } from 'node:os'
import { readArguments, refuse } from '../dev/arguments.ts'
import { runMain } from '../dev/run-main.ts'
import { say, since } from '../dev/screen.ts'
import type { Fault } from './fault.ts'
import { frozenHolder, killedBeforeAppend, restartedBetween } from './faults/auth.ts'
import { promotedStandby, restoredBackup } from './faults/history.ts'
import { damagedLog } from './faults/log.ts'
import { cutFromAll, cutFromRedis, halfOpen } from './faults/network.ts'
import { requestAfterLogout, steadyLogouts } from './faults/none.ts'
import { logoutAllWithLogin, rolesWithRefresh } from './faults/races.ts'
import { away, flushed, killedConnections, paused, restartedEmpty } from './faults/redis.ts'
import { losingFailover } from './faults/sentinel.ts'
import { frozenVerifier, startingVerifiers, wrongClocks } from './faults/verifiers.ts'
import { Stage } from './stage.ts'
import { header, line } from './table.ts'
import { isWrong } from './tally.ts'

/**
 * Two instances of auth and eight verifiers as processes of their own, and everything that can go wrong between them.
 * Fails unless nobody accepted a token after its revocation had been answered; how long things take is printed and
 * never fails a run.
 */
const USAGE = 'npm run chaos -- [--quick] [--only TEXT]'
const FAULTS: readonly Fault[] = [
  steadyLogouts,
  requestAfterLogout,
  killedBeforeAppend,
  frozenHolder,
  flushed,
  restartedEmpty,
  away,
  halfOpen,
  paused,
  killedConnections,
  frozenVerifier,
  cutFromRedis,
  cutFromAll,
  startingVerifiers,
  restartedBetween,
  logoutAllWithLogin,
  rolesWithRefresh,
  damagedLog,
  wrongClocks,
  promotedStandby,
  restoredBackup,
  losingFailover,
]

const { only = '', quick } = readArguments(USAGE, {
  quick: { type: 'boolean', default: false },
  only: { type: 'string' },
}).values
const size = quick ? 'quick' : 'full'
const wanted = FAULTS.filter(({ name, isLarge = false }) => name.includes(only) && (!quick || !isLarge))
if (wanted.length === 0)
  refuse(USAGE, `--only takes a part of one of these: ${FAULTS.map(({ name }) => name).join('; ')}`)

async function main(): Promise<number> {
  const began = performance.now()
  const stage = new Stage()
  let wrong = 0
  try {
    await stage.set()
    say('stage', `2 × auth, ${stage.verifiers.length} × verifier (${since(began)}); logs in ${stage.folder}`)
    console.log(header())
    for (const fault of wanted) {
      const from = performance.now()
      const finding = await fault.inject(stage, size)
      console.log(line(fault.name, finding, performance.now() - from))
      if (isWrong(finding)) wrong++
    }
  } finally {
    await stage.clear()
  }
  const load = loadavg()
    .map((value) => value.toFixed(1))
    .join(' ')
  say(wrong === 0 ? 'passed' : 'failed', `after ${since(began)}, load of the machine ${load}`)
  if (wrong === 0) rmSync(stage.folder, { recursive: true, force: true })
  return wrong === 0 ? 0 : 1
}

await runMain(main)
