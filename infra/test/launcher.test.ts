import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { root } from '../dev/places.ts'
import { freePort } from '../dev/ports.ts'
import { commandOf } from '../dev/processes.ts'
import { walk } from '../dev/walk-fetch.ts'
import { steps } from '../dev/walk-steps.ts'

const home = await mkdtemp(join(tmpdir(), 'portcullis-'))
t.teardown(() => rm(home, { recursive: true, force: true }))
const ports = { GATEWAY_PORT: await freePort(), AUTH_PORT: await freePort(), CONTENT_PORT: await freePort() }
const origin = `http://localhost:${ports.GATEWAY_PORT}`
/** What is promised for an end in order. */
const STOP_MS = 2000
const PATIENCE_MS = 30_000

interface Launched {
  readonly child: ChildProcess
  /** All that it has printed. */
  readonly printed: () => string
}

function launch(settings: NodeJS.ProcessEnv = {}): Launched {
  const variables = Object.entries(ports).map(([name, port]) => [name, String(port)])
  const env = { ...process.env, PORTCULLIS_HOME: home, ...Object.fromEntries(variables) }
  for (const name of ['POSTGRES_ADMIN_URL', 'REDIS_URL', 'ADMIN_PASSWORD']) delete env[name]
  Object.assign(env, settings)
  const args = ['--conditions=@portcullis/source', join(root, 'infra/dev/start.ts')]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  return { child, printed: () => text }
}

async function launchUntilReady(): Promise<Launched> {
  const launched = launch()
  await until(() => launched.printed().includes('is ready'), launched)
  return launched
}

async function until(
  condition: () => boolean | Promise<boolean>,
  { child, printed }: Launched,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await condition())) {
    if (performance.now() > deadline || child.exitCode !== null) throw new Error(printed())
    await sleep(20)
  }
}

/** Process ids of everything that the run has started. */
async function parts(): Promise<number[]> {
  const run: unknown = JSON.parse(await readFile(join(home, 'run.json'), 'utf8'))
  const postmaster = await readFile(join(home, 'postgres/postmaster.pid'), 'utf8')
  const pids = [...JSON.stringify(run).matchAll(/"pid":(\d+)/g)].map((match) => Number(match[1]))
  return [...pids, Number.parseInt(postmaster, 10)]
}

const areGone = (pids: readonly number[]) => pids.every((pid) => commandOf(pid) === undefined)

t.test('a start brings up what the printed walk needs, and SIGTERM ends every process in time', async (t) => {
  const { child, printed } = await launchUntilReady()
  t.teardown(() => child.kill('SIGKILL'))
  t.match(printed(), /Admin +admin \/ \S{8}/)
  for (const address of [`${origin}/api/v1`, `${origin}/docs`, `http://localhost:${ports.AUTH_PORT}/docs`]) {
    t.ok(printed().includes(address), address)
  }
  t.match(printed(), /Metrics +auth http\S+, content http/)
  t.equal(stripVTControlCharacters(printed()), printed(), 'no colour and no moving line without a terminal')
  const taken: unknown[] = []
  for await (const { step, status } of walk(origin)) taken.push([step.title, status])
  t.strictSame(
    taken,
    steps.map((step) => [step.title, step.status]),
  )

  const second = launch()
  await once(second.child, 'close')
  t.equal(second.child.exitCode, 1)
  t.match(second.printed(), `already running at ${origin}`)

  const pids = await parts()
  t.equal(pids.length, 4)
  const from = performance.now()
  child.kill('SIGTERM')
  await once(child, 'exit')
  t.equal(child.exitCode, 0)
  t.ok(performance.now() - from < STOP_MS, `${performance.now() - from} ms`)
  t.ok(areGone(pids))
})

t.test('nothing outlives a launcher that is killed', async (t) => {
  const { child, printed } = await launchUntilReady()
  t.notMatch(printed(), 'Admin', 'the first password is shown once')
  const pids = await parts()
  const deadline = performance.now() + PATIENCE_MS
  child.kill('SIGKILL')
  while (!areGone(pids) && performance.now() < deadline) await sleep(10)
  t.ok(areGone(pids))
})

t.test('the next start recovers, and a part that is killed ends the others and is named', async (t) => {
  const { child, printed } = await launchUntilReady()
  const pids = await parts()
  process.kill(pids.at(-1) ?? 0, 'SIGKILL')
  await once(child, 'close')
  t.equal(child.exitCode, 1)
  t.match(printed(), /postgres +has ended by itself \(killed by SIGKILL\)/)
  t.ok(areGone(pids))
})

t.test('nothing outlives a launcher that is ended while it starts', async (t) => {
  const port = await freePort()
  const silent = createTcpServer((socket) => socket.on('error', () => undefined)).listen(port, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const log = join(home, 'logs/redis.log')
  await rm(log, { force: true })
  const launched = launch({ POSTGRES_ADMIN_URL: `postgres://postgres@127.0.0.1:${port}/postgres` })
  let pid = 0
  await until(async () => {
    const words = await readFile(log, 'utf8').catch(() => '')
    pid = Number(/pid=(\d+)/.exec(words)?.[1] ?? 0)
    return pid > 0
  }, launched)
  launched.child.kill('SIGTERM')
  await once(launched.child, 'exit')
  t.ok(areGone([pid]))
})

t.test('a taken port is one line that names the port and its variable, and nothing is started', async (t) => {
  const server = createServer().listen(ports.AUTH_PORT, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { child, printed } = launch()
  await once(child, 'close')
  t.equal(child.exitCode, 1)
  t.match(printed().trim().split('\n'), [new RegExp(`port ${ports.AUTH_PORT} is taken.* AUTH_PORT$`)])
})

t.test(
  'a PostgreSQL that was given and is away is one line, and nothing looks like success before it',
  async (t) => {
    const host = `localhost:${await freePort()}`
    const { child, printed } = launch({ POSTGRES_ADMIN_URL: `postgres://postgres:hunter2@${host}/postgres` })
    await once(child, 'close')
    t.equal(child.exitCode, 1)
    const lines = printed()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('redis '))
    t.match(lines, [
      new RegExp(`^failed +PostgreSQL at ${host} \\(POSTGRES_ADMIN_URL\\) cannot be reached: connect `),
    ])
    t.equal(lines.length, 1)
  },
)
