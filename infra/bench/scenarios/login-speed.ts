import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { root } from '../../dev/places.ts'
import { median } from '../../dev/statistics.ts'
import { measure, type Load, type Pace } from '../compare.ts'
import type { Row } from '../report.ts'
import type { Stage } from '../stage.ts'
import { create, newUser, PASSWORD } from '../user.ts'

/**
 * Logins a second against verifications a second of argon2 by itself, in as many threads: by the C code of its authors,
 * which is what argon2 costs elsewhere, and by what auth hashes with.
 */
export async function loginSpeed(stage: Stage, { rounds, seconds }: Pace): Promise<Row[]> {
  const { username } = await newUser(stage)
  const load = loginLoad(stage, username)
  await measure(load, 1)
  const ours: number[] = []
  const raw: number[] = []
  const same: number[] = []
  for (let round = 0; round < rounds; round++) {
    ours.push((await measure(load, seconds)).rps)
    raw.push(await rawArgon2('argon2', seconds))
    same.push(await rawArgon2('@node-rs/argon2', seconds))
  }
  const against = (bare: readonly number[]) => ({
    figures: `${median(ours).toFixed(1)} ÷ ${median(bare).toFixed(1)} a second in ${cpus().length} threads`,
    value: median(ours) / median(bare),
    unit: '×',
  })
  return [
    {
      name: 'POST /login ÷ argon2 by itself',
      ...against(raw),
      target: { bound: 'at least', value: 0.95 },
    },
    { name: 'POST /login ÷ @node-rs/argon2 by itself', ...against(same) },
  ]
}

/** What others feel while passwords are checked as fast as they can be. */
export async function readsDuringLogins(stage: Stage, { rounds, seconds }: Pace): Promise<Row[]> {
  const user = await newUser(stage)
  const id = await create(stage, user, 'tasks', { title: 'A task to be read' })
  const read: Load = {
    server: stage.content,
    path: `/api/v1/tasks/${id}`,
    headers: user.headers,
    connections: 4,
  }
  const idle: number[] = []
  const busy: number[] = []
  await measure(read, 1)
  for (let round = 0; round < rounds; round++) {
    idle.push((await measure(read, seconds)).p99)
    const [measured] = await Promise.all([
      measure(read, seconds),
      measure(loginLoad(stage, user.username), seconds),
    ])
    busy.push(measured.p99)
  }
  return [
    {
      name: 'p99 of GET /tasks/{id} during logins ÷ idle',
      figures: `${median(busy)} ÷ ${median(idle)} ms, 4 connections`,
      value: median(busy) / Math.max(1, median(idle)),
      unit: '×',
      target: { bound: 'at most', value: 8 },
    },
  ]
}

function loginLoad(stage: Stage, username: string): Load {
  return {
    server: stage.auth,
    path: '/api/v1/login',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: PASSWORD }),
    connections: 2 * cpus().length,
  }
}

async function rawArgon2(implementation: 'argon2' | '@node-rs/argon2', seconds: number): Promise<number> {
  const program = join(root, 'infra/bench/raw-argon2.ts')
  const child = spawn(process.execPath, [program, String(seconds), implementation], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')])
  return Number(output)
}
