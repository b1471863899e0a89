import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { untilAnswered } from '../dev/answers.ts'
import { makeWhatIsMissing } from '../dev/first-start.ts'
import { homeFolder, root, type ServiceName } from '../dev/places.ts'
import { freePort } from '../dev/ports.ts'
import { startPostgres, type Postgres } from '../dev/postgres.ts'
import { end, ended, Guard, howEnded } from '../dev/processes.ts'
import { findRedis } from '../dev/redis-program.ts'
import { startRedis, type RedisServer } from '../dev/redis.ts'
import { newSecrets } from '../dev/secrets.ts'
import { serviceVariables, type Setting } from '../dev/services.ts'
import type { Program } from '../dev/programs.ts'

const SETTINGS = {
  RATE_LIMIT_MAX: '0',
  LOGIN_THROTTLE: 'off',
  LOG_LEVEL: 'info',
  DRAIN_SECONDS: '1',
  // What is looked at here is not what hashing costs.
  ARGON2_MEMORY_KIB: '1024',
  ARGON2_TIME_COST: '1',
}

/** A process that can be ended and started again in its place. */
export interface Instance {
  readonly name: string
  readonly url: string
  /** Ends it; its exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<string>
  /** Starts it and waits until it is ready. */
  start(): Promise<void>
}

/** A store that can be stopped and started again with its data. */
export interface StoppableStore {
  stop(): Promise<void>
  start(): Promise<void>
}

/** Two instances of each service behind nginx, on one PostgreSQL and one Redis. */
export interface Stage {
  /** Of nginx. */
  readonly origin: string
  readonly instances: readonly Instance[]
  readonly postgres: StoppableStore
  readonly redis: StoppableStore & { kill(): Promise<void> }
  readonly folder: string
  stop(): Promise<void>
}

export async function setStage(nginx: Program): Promise<Stage> {
  const guard = new Guard()
  const folder = homeFolder(`resilience-${process.pid}`)
  const secrets = newSecrets()
  const { postgres, adminUrl } = await startOwnPostgres(folder, secrets.postgres, guard)
  const { redis, url: redisUrl } = await startOwnRedis(folder, secrets.redis, guard)
  const { databases } = await makeWhatIsMissing(adminUrl, secrets)

  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const ports = { auth: [await freePort(), await freePort()], content: [await freePort(), await freePort()] }
  const instances = (['auth', 'content'] as const).flatMap((service) =>
    ports[service].map((own, index) => {
      const setting: Setting = {
        origin,
        // content asks auth through nginx, as it would in front of several.
        ports: { auth: port, content: own, [service]: own },
        metricsPorts: { auth: 0, content: 0 },
        databases,
        redisUrl,
        secrets,
      }
      const env = { ...serviceVariables(service, setting), ...SETTINGS, HOST: '127.0.0.1' }
      const log = join(folder, `${service}-${index + 1}.log`)
      return instance(service, `${service} ${index + 1}`, own, env, log, guard)
    }),
  )
  for (const one of instances.slice(0, 2)) await one.start()
  const gateway = await startNginx(nginx, folder, port, ports, guard)
  for (const one of instances.slice(2)) await one.start()
  return {
    origin,
    instances,
    postgres,
    redis,
    folder,
    stop: async () => {
      await Promise.allSettled(instances.map((one) => one.end('SIGTERM')))
      await end(gateway, 'SIGTERM', 2000)
      await redis.stop()
      await postgres.stop()
    },
  }
}

/** Removes what a stage leaves behind. */
export function clear(stage: Stage): void {
  rmSync(stage.folder, { recursive: true, force: true })
}

async function startOwnPostgres(folder: string, password: string, guard: Guard) {
  const options = {
    folder: join(folder, 'postgres'),
    port: await freePort(),
    password,
    log: join(folder, 'postgres.log'),
    settings: { max_connections: '200' },
    onSpawn: guard.watch.bind(guard),
  }
  let running: Postgres = await startPostgres(options)
  const start = async () => void (running = await startPostgres(options))
  return { adminUrl: running.adminUrl, postgres: { start, stop: () => running.stop() } }
}

async function startOwnRedis(folder: string, password: string, guard: Guard) {
  const options = {
    program: (await findRedis()).path,
    folder: join(folder, 'redis'),
    port: await freePort(),
    password,
    log: join(folder, 'redis.log'),
    onSpawn: guard.watch.bind(guard),
  }
  let running: RedisServer = await startRedis(options)
  const start = async () => void (running = await startRedis(options))
  const kill = () => end(running.child, 'SIGKILL', 1000)
  return { url: running.url, redis: { start, kill, stop: () => running.stop() } }
}

function instance(
  service: ServiceName,
  name: string,
  port: number,
  env: NodeJS.ProcessEnv,
  log: string,
  guard: Guard,
): Instance {
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  return {
    name,
    url,
    start: async () => {
      child = spawn(process.execPath, [`services/${service}/dist/server.js`], {
        cwd: root,
        env: { ...env, NODE_ENV: 'production' },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      guard.watch(child, 'SIGKILL')
      const file = createWriteStream(log, { flags: 'a' })
      child.stdout?.pipe(file, { end: false })
      child.stderr?.pipe(file, { end: false })
      await untilAnswered({ name, child }, `${url}/health/ready`)
    },
    end: async (signal) => {
      if (!child) return 'never started'
      child.kill(signal)
      await ended(child)
      return howEnded(child)
    },
  }
}

async function startNginx(
  nginx: Program,
  folder: string,
  port: number,
  ports: Readonly<Record<ServiceName, readonly number[]>>,
  guard: Guard,
): Promise<ChildProcess> {
  const home = join(folder, 'nginx')
  mkdirSync(home, { recursive: true })
  const servers = (service: ServiceName) =>
    ports[service].map((own) => `server 127.0.0.1:${own} max_fails=1 fail_timeout=1s;`).join('\n    ')
  const values: Readonly<Record<string, string>> = {
    FOLDER: home,
    PORT: String(port),
    AUTH_SERVERS: servers('auth'),
    CONTENT_SERVERS: servers('content'),
  }
  const template = readFileSync(join(root, 'infra/resilience/nginx.conf.template'), 'utf8')
  const file = join(home, 'nginx.conf')
  writeFileSync(
    file,
    template.replaceAll(/\$\{(\w+)\}/g, (text, name: string) => values[name] ?? text),
  )
  const child = spawn(nginx.path, ['-p', home, '-e', join(home, 'error.log'), '-c', file], {
    env: { ...process.env, ...nginx.env },
    stdio: 'ignore',
  })
  guard.watch(child, 'SIGTERM')
  await untilAnswered({ name: 'nginx', child }, `http://127.0.0.1:${port}/health/live`)
  return child
}
