import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pingPostgres } from './databases.ts'
import { homeFolder } from './places.ts'
import { freePort } from './ports.ts'
import { startPostgres } from './postgres.ts'
import type { OnSpawn } from './processes.ts'
import { findRedis } from './redis-program.ts'
import { pingRedis, startRedis } from './redis.ts'
import type { RunFile } from './run-file.ts'
import { say, since } from './screen.ts'
import type { Secrets } from './secrets.ts'
import { StopError } from './stop-error.ts'

/** A store that is ready to be used; one that we have started has a process. */
export interface Store {
  readonly name: string
  /** PostgreSQL: with an administrator. Redis: without a logical database. */
  readonly url: string
  readonly own?: { readonly child: ChildProcess; readonly stop: () => Promise<void> }
}

/** PostgreSQL of `POSTGRES_ADMIN_URL`, else our own. */
export async function preparePostgres(run: RunFile, secrets: Secrets, onSpawn: OnSpawn): Promise<Store> {
  const began = performance.now()
  const given = process.env['POSTGRES_ADMIN_URL']
  if (given) {
    const store = await givenPostgres(given)
    say('postgres', `${new URL(given).host} (POSTGRES_ADMIN_URL)`)
    return store
  }
  const port = await freePort(run.portOf('postgres'))
  const folder = join(homeFolder(), 'postgres')
  const log = logFile('postgres')
  const { child, adminUrl, stop } = await startPostgres({
    folder,
    port,
    password: secrets.postgres,
    log,
    onSpawn,
  })
  run.setPort('postgres', port)
  say('postgres', `127.0.0.1:${port}, its data in .portcullis/postgres (${since(began)})`)
  return { name: 'postgres', url: adminUrl, own: { child, stop } }
}

/** Redis of `REDIS_URL`, else our own. */
export async function prepareRedis(run: RunFile, secrets: Secrets, onSpawn: OnSpawn): Promise<Store> {
  const began = performance.now()
  const given = process.env['REDIS_URL']
  if (given) {
    const store = await givenRedis(given)
    say('redis', `${new URL(given).host} (REDIS_URL)`)
    return store
  }
  const program = await findRedis()
  const port = await freePort(run.portOf('redis'))
  const folder = join(homeFolder(), 'redis')
  const log = logFile('redis')
  const { child, url, stop } = await startRedis({
    program: program.path,
    folder,
    port,
    password: secrets.redis,
    log,
    onSpawn,
  })
  run.setPort('redis', port)
  if (child.pid !== undefined) run.addPart(child.pid, `127.0.0.1:${port}`)
  say(
    'redis',
    `127.0.0.1:${port}, version ${program.version}, its data in .portcullis/redis (${since(began)})`,
  )
  return { name: 'redis', url, own: { child, stop } }
}

/** File for the log of a part, begun anew. */
export function logFile(part: string): string {
  const file = join(homeFolder('logs'), `${part}.log`)
  rmSync(file, { force: true })
  return file
}

/** @throws StopError if no PostgreSQL answers there. */
export async function givenPostgres(text: string): Promise<Store> {
  const { host, href } = urlOf(text, 'POSTGRES_ADMIN_URL')
  const reason = await pingPostgres(href)
  if (reason !== undefined)
    throw new StopError(`PostgreSQL at ${host} (POSTGRES_ADMIN_URL) cannot be reached: ${reason}`)
  return { name: 'postgres', url: href }
}

/** @throws StopError if no Redis answers there. */
export async function givenRedis(text: string): Promise<Store> {
  const url = urlOf(text, 'REDIS_URL')
  const reason = await pingRedis(url.href)
  if (reason !== undefined)
    throw new StopError(`Redis at ${url.host} (REDIS_URL) cannot be reached: ${reason}`)
  url.pathname = ''
  return { name: 'redis', url: url.href }
}

const FORMS = {
  POSTGRES_ADMIN_URL: {
    protocols: ['postgres:', 'postgresql:'],
    example: 'postgres://user:password@host:5432/postgres',
  },
  REDIS_URL: { protocols: ['redis:', 'rediss:'], example: 'redis://:password@host:6379' },
}

/** The message repeats nothing of the text, in which there may be a password. */
function urlOf(text: string, variable: keyof typeof FORMS): URL {
  const { protocols, example } = FORMS[variable]
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && protocols.includes(url.protocol) && url.host !== '') return url
  throw new StopError(`${variable} must be a URL such as ${example}`)
}
