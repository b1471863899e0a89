import { setTimeout as sleep } from 'node:timers/promises'
import { runProgram } from '../dev/run-program.ts'
import { say } from '../dev/screen.ts'
import { describe, isRight, Load } from '../resilience/load.ts'
import type { Result } from '../resilience/request.ts'
import { inspect, type Project } from './engine.ts'

/** Every container of profile `ha` that goes on running. */
export const PAIR_SERVICES = [
  'redis',
  'redis-2',
  'sentinel-1',
  'sentinel-2',
  'sentinel-3',
  'postgres',
  'postgres-2',
  'database',
  'auth',
  'auth-2',
  'content',
  'content-2',
  'gateway',
] as const

const PER_SECOND = 25
/** How long there must have been no refusal, and how long that may take while one server is away. */
const CALM_MS = 5000
const RECOVER_WITHIN_MS = 15_000
const PATIENCE_MS = 60_000

interface Store {
  readonly name: string
  /** The service that leads. */
  readonly leader: (project: Project) => Promise<string>
  /** Whether the other one follows, and so could lead. */
  readonly isWhole: (project: Project) => Promise<boolean>
}

const ROLE =
  'REDISCLI_AUTH=$(cat /run/portcullis/replication_password) redis-cli --user replication info replication'

const STORES: readonly Store[] = [
  {
    name: 'Redis',
    leader: async (project) =>
      (await redisState(project, 'redis')).includes('role:master') ? 'redis' : 'redis-2',
    isWhole: async (project) => {
      const states = await Promise.all([redisState(project, 'redis'), redisState(project, 'redis-2')])
      return states.some((state) => /role:master[^]*state=online/.test(state))
    },
  },
  {
    name: 'PostgreSQL',
    leader: async (project) =>
      (await standing(project)).includes('"postgres-2"') ? 'postgres-2' : 'postgres',
    isWhole: async (project) => (await standing(project)).includes('"otherHasAll":true'),
  },
]

function redisState(project: Project, service: string): Promise<string> {
  return project.do(['exec', '-T', service, 'sh', '-c', ROLE]).catch(() => '')
}

function standing(project: Project): Promise<string> {
  return project.do(['exec', '-T', 'database', 'cat', '/state/standing.json']).catch(() => '')
}

/**
 * Kills the primary of each store under load, waits until all is well without it, brings it back and goes on; twice,
 * so that each server has led. Nothing that was acknowledged may be lost.
 *
 * @throws Error that says what was
 */
export async function checkPair(project: Project, origin: string): Promise<void> {
  for (const store of STORES) await until(`both servers of ${store.name}`, () => store.isWhole(project))
  const load = new Load(origin, PER_SECOND)
  await load.prepare()
  load.start()
  const wrong: string[] = []
  row('killed under load', 'requests', '503', 'last after', 'refreshed', 'wrong')
  try {
    for (const store of [...STORES, ...STORES]) wrong.push(...(await killPrimary(project, store, load)))
  } finally {
    await load.stop()
  }
  const counted = `${load.acknowledged.length} tasks and ${load.loggedOut.length} logouts were acknowledged`
  wrong.push(...(await load.missing()).map((what) => `lost: ${what}`))
  if (wrong.length > 0) throw new Error(`${counted}\n${wrong.slice(0, 20).join('\n')}`)
  say('kept', `${counted}, and all hold`)
}

async function killPrimary(project: Project, store: Store, load: Load): Promise<string[]> {
  const leader = await store.leader(project)
  const [id = ''] = await project.containers(leader)
  const killedAt = performance.now()
  await runProgram('docker', ['kill', id])
  const since = () => load.results.filter(({ ended }) => ended > killedAt)
  const refused = () => since().filter(isRefusal)
  await until(`recovery without ${leader}`, async () => {
    const last = refused().at(-1)?.ended ?? killedAt
    return performance.now() - Math.max(last, killedAt) > CALM_MS
  })
  const lastAfterMs = Math.max(0, ...refused().map(({ ended }) => ended - killedAt))
  await runProgram('docker', ['start', id])
  await until(`${leader} following`, () => store.isWhole(project))
  await until(
    `${leader} healthy`,
    async () => (await inspect('container', id, '{{.State.Health.Status}}')) === 'healthy',
  )

  const results = since()
  const wrong = describe(results.filter((one) => !isAllowed(one, store)))
  if (lastAfterMs > RECOVER_WITHIN_MS) wrong.push(`requests were refused for ${lastAfterMs.toFixed(0)} ms`)
  const count = (status: number) => String(results.filter((one) => one.status === status).length)
  row(
    leader,
    String(results.length),
    count(503),
    `${(lastAfterMs / 1000).toFixed(1)} s`,
    count(401),
    wrong.length,
  )
  for (const line of describe(results.filter(isRefusal))) say('refused', line)
  return wrong.map((line) => `${leader} killed: ${line}`)
}

function isRefusal({ status }: Result): boolean {
  return status === 0 || status >= 500
}

/** A promotion begins an epoch, in which every access token from before is refused once. */
function isAllowed(result: Result, store: Store): boolean {
  const { status, hasRetryAfter, request } = result
  if (status === 503) return hasRetryAfter
  if (status === 401) return store.name === 'PostgreSQL' && request !== 'POST /refresh'
  return isRight(result)
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`no ${what} after ${PATIENCE_MS / 1000} s`)
    await sleep(250)
  }
}

function row(...cells: readonly (string | number)[]): void {
  console.log(`| ${cells.map((cell, i) => String(cell).padEnd(i === 0 ? 18 : 10)).join(' | ')} |`)
}
