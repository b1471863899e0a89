import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { root, type ServiceName } from './places.ts'
import { hasEnded, howEnded } from './processes.ts'
import { showLogLine } from './screen.ts'
import type { KeptSecrets } from './secrets.ts'
import { StopError } from './stop-error.ts'

/** Content's name as a registered client of auth, and what it may do there. */
export const CONTENT_CLIENT = { id: 'content', scope: 'revocations:read users:changes' } as const

export interface Setting {
  readonly origin: string
  readonly ports: Readonly<Record<ServiceName, number>>
  readonly metricsPorts: Readonly<Record<ServiceName, number>>
  readonly databases: Readonly<Record<ServiceName, string>>
  /** Without a logical database. */
  readonly redisUrl: string
  readonly secrets: KeptSecrets
}

/** What both services, and `portcullis`, need to reach the stores. */
function storeVariables({ origin, redisUrl }: Setting): Record<string, string> {
  return {
    ISSUER: origin,
    AUDIENCE: process.env['AUDIENCE'] || 'portcullis',
    CACHE_REDIS_URL: redisDatabase(redisUrl, 0),
    REVOCATION_REDIS_URL: redisDatabase(redisUrl, 1),
  }
}

/**
 * Of Node, as in the Dockerfile: V8 otherwise lets its heap grow to what the machine can give before it clears up. Its
 * middle compiler, Maglev, takes memory of which the young generation makes better use.
 */
export const SERVICE_FLAGS: Readonly<Record<ServiceName, readonly string[]>> = {
  auth: ['--no-maglev', '--max-semi-space-size=4', '--max-old-space-size=256'],
  // It has no hashes to hold, and answers more.
  content: ['--no-maglev', '--max-semi-space-size=8', '--max-old-space-size=256'],
}

/** As there: glibc otherwise keeps an arena for each thread. */
const MEMORY = { MALLOC_ARENA_MAX: '1' }

/** The URL of one of the logical databases. */
export function redisDatabase(redisUrl: string, database: number): string {
  const url = new URL(redisUrl)
  url.pathname = `/${database}`
  return url.href
}

/** The variables of a service: those of its own, and whatever else the user has set. */
export function serviceVariables(service: ServiceName, setting: Setting): NodeJS.ProcessEnv {
  const { ports, metricsPorts, databases, redisUrl, secrets } = setting
  const own = {
    ...storeVariables(setting),
    HOST: 'localhost',
    PORT: String(ports[service]),
    METRICS_PORT: String(metricsPorts[service]),
    DATABASE_URL: databases[service],
    TRUST_PROXY: '127.0.0.1,::1',
    ...(service === 'auth'
      ? { SESSION_REDIS_URL: redisDatabase(redisUrl, 2), KEY_ENCRYPTION_KEY: secrets.keyEncryptionKey }
      : {
          AUTH_URL: `http://localhost:${ports.auth}`,
          JWKS_URL: `http://localhost:${ports.auth}/.well-known/jwks.json`,
          CLIENT_ID: CONTENT_CLIENT.id,
          CLIENT_SECRET: secrets.clientSecret,
        }),
  }
  const env: NodeJS.ProcessEnv = { ...MEMORY, ...process.env }
  for (const name of ['POSTGRES_ADMIN_URL', 'REDIS_URL', 'ADMIN_PASSWORD']) delete env[name]
  if (service === 'content')
    for (const name of Object.keys(env)) if (name.startsWith('KEY_')) delete env[name]
  for (const name of Object.keys(own)) delete env[`${name}_FILE`]
  return { ...env, ...own }
}

/** The variables of `portcullis`, for the databases of both services. */
export function portcullisVariables(setting: Setting): Record<string, string> {
  const { databases, redisUrl, secrets } = setting
  return {
    DATABASE_URL: databases.auth,
    CONTENT_DATABASE_URL: databases.content,
    KEY_ENCRYPTION_KEY: secrets.keyEncryptionKey,
    ...storeVariables(setting),
    SESSION_REDIS_URL: redisDatabase(redisUrl, 2),
  }
}

/** A service's process, and what it has said that belongs on the screen. */
export interface ServiceProcess {
  readonly name: ServiceName
  readonly child: ChildProcess
  /** Shows its warnings from now on; those from before, too, if `past`. */
  speak: (past: boolean) => void
}

/**
 * Starts a service from its sources. Its log goes to a file; warnings and what is worse go to the screen, too,
 * once it may speak: until both services are there, each complains that it does not find the other.
 *
 * @param log file for its log.
 */
export function startService(name: ServiceName, env: NodeJS.ProcessEnv, log: string): ServiceProcess {
  const args = [
    ...SERVICE_FLAGS[name],
    '--conditions=@portcullis/source',
    join(root, `services/${name}/src/server.ts`),
  ]
  // Out of reach of the terminal's Ctrl-C, like the stores: we stop all parts, in the right order.
  const child = spawn(process.execPath, args, {
    cwd: root,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.on('error', () => undefined)
  const file = createWriteStream(log, { mode: 0o600 })
  let held: string[] | undefined = []
  let spokenAt = 0
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      file.write(`${line}\n`)
      // What it said before may arrive later.
      if (held === undefined) showLogLine(name, line, spokenAt)
      else held.push(line)
    })
  }
  const speak = (past: boolean) => {
    if (past) for (const line of held?.slice(-HELD_LINES) ?? []) showLogLine(name, line)
    else spokenAt = Date.now()
    held = undefined
  }
  return { name, child, speak }
}

/** As much of what a service said before it failed to start as fits a screen. */
const HELD_LINES = 12

const READY_PATIENCE_MS = 30_000

/** @throws StopError if the service ends or is not ready in time. */
export async function untilServiceReady({ name, child, speak }: ServiceProcess, url: string): Promise<void> {
  const deadline = performance.now() + READY_PATIENCE_MS
  let answer = 'nothing'
  while (!hasEnded(child) && performance.now() < deadline) {
    try {
      const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2000) })
      if (response.ok) return speak(false)
      answer = `${response.status} ${await response.text()}`
    } catch {
      answer = 'nothing'
    }
    await sleep(50)
  }
  speak(true)
  if (hasEnded(child)) throw new StopError(`${name} has ended while starting: ${howEnded(child)}`)
  throw new StopError(`${name} is not ready after ${READY_PATIENCE_MS / 1000} s; it answers ${answer}`)
}
