import { buildServices } from '../build/services.ts'
import { numberOf, readArguments, refuse } from '../dev/arguments.ts'
import { findProgram } from '../dev/programs.ts'
import { runMain } from '../dev/run-main.ts'
import { complain, say, since } from '../dev/screen.ts'
import { kill, rollingRestart, storesAway, type Verdict } from './cases.ts'
import { contentWithoutPostgres, contentWithoutRedis } from './content-cases.ts'
import { clear, setStage, type Stage } from './stage.ts'

/**
 * Two instances of each service behind nginx, under a load of 200 requests a second, while instances and stores go and
 * come back.
 */
const USAGE = 'npm run resilience -- [--quick] [--only NAME] [--rate N]'
const { values } = readArguments(USAGE, {
  quick: { type: 'boolean', default: false },
  only: { type: 'string', default: '' },
  rate: { type: 'string', default: '200' },
})
const seconds = values.quick ? 15 : 60
const rate = numberOf(USAGE, '--rate', values.rate)

const CASES: Readonly<Record<string, (stage: Stage) => Promise<Verdict>>> = {
  'rolling restart': (stage) => rollingRestart(stage, rate, seconds),
  kill: (stage) => kill(stage, rate),
  'postgres away': (stage) => storesAway(stage, rate, [stage.postgres]),
  'redis away': (stage) => storesAway(stage, rate, [stage.redis]),
  'both away': (stage) => storesAway(stage, rate, [stage.postgres, stage.redis]),
  'content, redis killed': contentWithoutRedis,
  'content, postgres restarted': contentWithoutPostgres,
}

const wanted = Object.entries(CASES).filter(([name]) => name.includes(values.only))
if (wanted.length === 0)
  refuse(USAGE, `--only takes a part of one of these: ${Object.keys(CASES).join('; ')}`)

async function main(): Promise<number> {
  const nginx = await findProgram('nginx')
  if (typeof nginx === 'string') {
    console.log(`SKIPPED resilience: ${nginx}`)
    return 0
  }
  await buildServices()
  const stage = await setStage(nginx)
  say('stage', `2 × auth, 2 × content, nginx ${nginx.version}; logs in ${stage.folder}`)
  let failures = 0
  const rows: Readonly<Record<string, string | number>>[] = []
  try {
    for (const [name, run] of wanted) {
      const began = performance.now()
      const { facts, wrong, row } = await run(stage)
      say(wrong.length === 0 ? 'passed' : 'FAILED', `${name} (${since(began)}): ${facts.join('; ')}`)
      for (const line of wrong) complain('', line)
      if (row) rows.push(row)
      failures += wrong.length === 0 ? 0 : 1
    }
  } finally {
    await stage.stop()
  }
  if (rows.length > 0) console.table(rows)
  if (failures === 0) clear(stage)
  return failures === 0 ? 0 : 1
}

await runMain(main)
