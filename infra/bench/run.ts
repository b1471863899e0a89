import { parseArgs } from 'node:util'
import type { Pace } from './compare.ts'
import { machine, print, type Row } from './report.ts'
import { createTask, newestPosts, taskById } from './scenarios/routes.ts'
import { pinLoad } from './server.ts'
import { setStage, type Stage } from './stage.ts'

/** `npm run bench [-- --only NAME] [--json] [--quick]`: figures, side by side with bare references. Nothing fails. */
const scenarios: Readonly<Record<string, (stage: Stage, pace: Pace) => Promise<Row[]>>> = {
  'task-by-id': taskById,
  'newest-posts': newestPosts,
  'create-task': createTask,
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
})
const pace = values.quick ? { rounds: 2, seconds: 2 } : { rounds: 5, seconds: 5 }
const chosen = Object.entries(scenarios).filter(([name]) => !values.only || values.only.includes(name))
if (chosen.length === 0) {
  console.error(`--only takes one of ${Object.keys(scenarios).join(', ')}`)
  process.exit(1)
}

const isPinned = pinLoad()
const stage = await setStage()
const rows: Row[] = []
try {
  for (const [, scenario] of chosen) rows.push(...(await scenario(stage, pace)))
} finally {
  await stage.stop()
}
if (values.json) console.log(JSON.stringify({ machine: machine(), isPinned, rows }, undefined, 2))
else {
  console.log(`\n${machine()}${isPinned ? ', server pinned to one core' : ''}\n`)
  print(rows)
}
process.exit(0)
