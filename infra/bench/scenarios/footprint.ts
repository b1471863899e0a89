import { setTimeout as sleep } from 'node:timers/promises'
import { median } from '../../dev/statistics.ts'
import { measure, type Pace } from '../compare.ts'
import type { Row } from '../report.ts'
import type { Stage } from '../stage.ts'
import { create, newUser, PASSWORD } from '../user.ts'

const TARGET_MIB = 150e6 / 1024 / 1024
/** Hashes of the last logins are under way when their load has ended, and hold 19 MiB each. */
const UNTIL_DONE_MS = 1000
/** What was read before is remembered for so long, and kept up to date meanwhile. */
const UNTIL_REST_MS = 11_000

/**
 * Resident memory after load of every sort, the time from the start of a process until it is ready, and what it takes
 * when nobody calls it.
 */
export async function footprint(stage: Stage, { rounds, seconds }: Pace): Promise<Row[]> {
  const user = await newUser(stage)
  const id = await create(stage, user, 'tasks', { title: 'A task to be read' })
  const { auth, content } = stage
  const body = JSON.stringify({ username: user.username, password: PASSWORD })
  await measure({ server: content, path: `/api/v1/tasks/${id}`, headers: user.headers }, seconds)
  await measure({ server: content, path: '/api/v1/posts' }, seconds)
  await measure({ server: auth, path: '/api/v1/users/me', headers: user.headers }, seconds)
  const json = { 'content-type': 'application/json' }
  await measure(
    { server: auth, path: '/api/v1/login', method: 'POST', headers: json, body, connections: 3 },
    seconds,
  )
  const underLoad = { auth: auth.rssMib(), content: content.rssMib() }
  await sleep(UNTIL_DONE_MS)

  const rows: Row[] = []
  for (const name of ['auth', 'content'] as const) {
    const starts: number[] = []
    const memory = stage[name].rssMib()
    for (let round = 0; round < Math.min(rounds, 3); round++) {
      const server = await stage.another(name)
      starts.push(server.startMs)
      await server.stop()
    }
    rows.push({
      name: `${name}, memory after load`,
      figures: `resident; ${underLoad[name].toFixed(0)} MiB during logins`,
      value: memory,
      unit: 'MiB',
      target: { bound: 'at most', value: Math.round(TARGET_MIB) },
    })
    rows.push({
      name: `${name}, start to ready`,
      figures: starts.map((ms) => ms.toFixed(0)).join(', ') + ' ms, on one processor',
      value: median(starts) / 1000,
      unit: 's',
      target: { bound: 'at most', value: 1 },
    })
  }
  await sleep(UNTIL_REST_MS)
  const before = { auth: auth.cpuMicros(), content: content.cpuMicros() }
  await sleep(seconds * 1000)
  for (const name of ['auth', 'content'] as const)
    rows.push({
      name: `${name}, at rest`,
      figures: 'CPU a second while nobody calls',
      value: (stage[name].cpuMicros() - before[name]) / 1000 / seconds,
      unit: 'ms',
    })
  return rows
}
