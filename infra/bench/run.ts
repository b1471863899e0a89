import { parseArgs } from 'node:util'
import { say } from '../dev/screen.ts'
import type { Pace } from './compare.ts'
import { printProfiles } from './profile.ts'
import { machine, print, type Row } from './report.ts'
import { deepPages } from './scenarios/deep-pages.ts'
import { loginFlood, loginTiming } from './scenarios/logins.ts'
import { createTask, newestPosts, taskById } from './scenarios/routes.ts'
import { pinLoad, type processors } from './server.ts'
import { setStage, type Stage } from './stage.ts'

interface Scenario {
  readonly run: (stage: Stage, pace: Pace) => Promise<Row[]>
  /** Ratios are of servers that have one processor each; what the machine bears is asked of all of them. */
  readonly on: keyof typeof processors
}

/** `npm run bench [-- --only NAME] [--json] [--quick]`: figures, side by side with bare references. Nothing fails. */
const scenarios: Readonly<Record<string, Scenario>> = {
  'task-by-id': { run: taskById, on: 'one' },
  'newest-posts': { run: newestPosts, on: 'one' },
  'create-task': { run: createTask, on: 'one' },
  'deep-pages': { run: deepPages, on: 'one' },
  'login-timing': { run: loginTiming, on: 'all' },
  'login-flood': { run: loginFlood, on: 'all' },
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
})
const pace = values.quick ? { rounds: 2, seconds: 2 } : { rounds: 5, seconds: 5 }
const chosen = Object.entries(scenarios).filter(([name]) => !values.only || values.only.includes(name))
if (chosen.length === 0) {
  console.error(`--only takes one of ${Object.keys(scenarios).join(', ')}`)
  process.exit(1)
}

const isPinned = pinLoad()
const rows: Row[] = []
for (const on of ['one', 'all'] as const) {
  const these = chosen.filter(([, scenario]) => scenario.on === on)
  if (these.length === 0) continue
  const stage = await setStage(on, values.profile)
  try {
    for (const [name, { run }] of these) {
      say('measure', name)
      rows.push(...(await run(stage, pace)))
    }
  } finally {
    await stage.stop()
  }
}
if (values.profile !== undefined) printProfiles(values.profile)
if (values.json) console.log(JSON.stringify({ machine: machine(), isPinned, rows }, undefined, 2))
else {
  console.log(`\n${machine()}${isPinned ? ', pinned' : ', not pinned'}\n`)
  print(rows)
}
process.exit(0)
