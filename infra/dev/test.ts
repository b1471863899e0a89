import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { helpIfAsked } from './arguments.ts'
import { migrateDatabase } from './databases.ts'
import type { ServiceName } from './places.ts'
import { freePort } from './ports.ts'
import { startPostgres } from './postgres.ts'
import { Guard, onParentGone } from './processes.ts'
import { findRedis } from './redis-program.ts'
import { runFolder } from './run-folder.ts'
import { complain, say, since } from './screen.ts'
import { messageOf } from './stop-error.ts'
import { runTap } from './tap.ts'

/** The suite, with a PostgreSQL of its own and a Redis server for every file that wants one. */
helpIfAsked("npm test -- [--coverage] [TAP'S OPTIONS] [-- FILE …]")

const TEMPLATES: Readonly<Record<ServiceName, string>> = {
  auth: 'template_auth',
  content: 'template_content',
}
/** No crash of the machine has to be survived by data that do not outlive the run. */
const HASTY = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '400' }

const guard = new Guard()
const folder = runFolder('test', 'infra/dev/test.ts')
let tap: ChildProcess | undefined

async function test(args: readonly string[]): Promise<number> {
  const began = performance.now()
  const redis = await findRedis()
  const server = await startPostgres({
    folder: join(folder, 'postgres'),
    port: await freePort(),
    password: randomBytes(16).toString('hex'),
    log: join(folder, 'postgres.log'),
    settings: HASTY,
    onSpawn: guard.watch.bind(guard),
  })
  try {
    await Promise.all([makeTemplate('auth', server.adminUrl), makeTemplate('content', server.adminUrl)])
    say('postgres', `for this run, with migrated templates (${since(began)})`)
    say('redis', `${redis.path}, version ${redis.version}`)
    const variables = {
      TEST_POSTGRES_URL: server.adminUrl,
      TEST_REDIS_SERVER: redis.path,
      TEST_TEMPLATE_AUTH: TEMPLATES.auth,
      TEST_TEMPLATE_CONTENT: TEMPLATES.content,
    }
    const code = await runTap(args, variables, (child) => {
      tap = child
      guard.watch(child, 'SIGTERM')
    })
    say(code === 0 ? 'passed' : 'failed', `after ${since(began)}`)
    return code
  } finally {
    await server.stop()
  }
}

/** A migrated database that test files copy; nobody can connect to it, which would keep others from copying. */
async function makeTemplate(service: ServiceName, adminUrl: string): Promise<void> {
  const name = TEMPLATES[service]
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    await client.query(`create database ${name}`)
    const url = new URL(adminUrl)
    url.pathname = `/${name}`
    await migrateDatabase(service, url.href)
    await client.query(`alter database ${name} with allow_connections false is_template true`)
  } finally {
    await client.end()
  }
}

/** Ends tap and the tests, after which the run comes to its end by itself. */
function interrupt(): void {
  if (tap?.pid === undefined) process.exit(1)
  try {
    process.kill(-tap.pid, 'SIGTERM')
  } catch {
    // It is ending already.
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
onParentGone(interrupt)
let code = 1
try {
  code = await test(process.argv.slice(2))
} catch (error) {
  complain('failed', messageOf(error))
}
rmSync(folder, { recursive: true, force: true })
process.exit(code)
