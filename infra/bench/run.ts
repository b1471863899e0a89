import { readArguments, refuse } from '../dev/arguments.ts'
import { say } from '../dev/screen.ts'
import { reasonOf } from '../dev/stop-error.ts'
import type { Pace } from './compare.ts'
import { printProfiles } from './profile.ts'
import { machine, print, type Row } from './report.ts'
import { scenarios, stages, type StageName } from './scenarios.ts'
import { pinLoad } from './server.ts'
import { setStage } from './stage.ts'
import { writeReport } from './write-report.ts'

/** Figures, side by side with bare references. Nothing fails. `--report` writes docs/performance.md. */
const USAGE = 'npm run bench -- [--only NAME …] [--quick] [--json] [--report] [--profile FOLDER]'
const { values } = readArguments(USAGE, {
  only: { type: 'string', multiple: true, default: [] },
  json: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  report: { type: 'boolean', default: false },
  profile: { type: 'string' },
})
for (const name of values.only)
  if (!(name in scenarios))
    refuse(USAGE, `--only takes one of ${Object.keys(scenarios).join(', ')}; not '${name}'`)
const pace: Pace = values.quick ? { rounds: 2, seconds: 1 } : { rounds: 11, seconds: 2 }
const chosen = Object.entries(scenarios).filter(([name, { isQuick = false }]) =>
  values.only.length > 0 ? values.only.includes(name) : isQuick || !values.quick,
)

const isPinned = pinLoad()
const rows: Row[] = []
const failed: string[] = []

async function runAll(name: StageName | 'none', these: typeof chosen): Promise<void> {
  const stage = name === 'none' ? undefined : await setStage({ ...stages[name], profiles: values.profile })
  try {
    for (const [title, scenario] of these) {
      say('measure', title)
      try {
        if (scenario.on === 'none') rows.push(...(await scenario.run(pace)))
        else if (stage) rows.push(...(await scenario.run(stage, pace)))
      } catch (error) {
        failed.push(title)
        console.error(`${title} could not be measured: ${reasonOf(error)}`)
      }
    }
  } finally {
    await stage?.stop()
  }
}

for (const name of ['none', 'one', 'all', 'sessions', 'posts', 'deepPages'] as const) {
  const these = chosen.filter(([, { on }]) => on === name)
  if (these.length === 0) continue
  try {
    await runAll(name, these)
  } catch (error) {
    failed.push(...these.map(([title]) => title).filter((title) => !failed.includes(title)))
    console.error(`${name} could not be set up: ${reasonOf(error)}`)
  }
}
if (values.profile !== undefined) printProfiles(values.profile)
if (values.report) await writeReport(rows)
if (values.json) console.log(JSON.stringify({ machine: machine(), isPinned, rows, failed }, undefined, 2))
else {
  console.log(`\n${machine()}${isPinned ? ', pinned' : ', not pinned'}\n`)
  print(rows)
  if (failed.length > 0) console.log(`not measured: ${failed.join(', ')}`)
}
process.exit(0)
