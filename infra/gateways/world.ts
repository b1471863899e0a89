import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { makeWhatIsMissing } from '../dev/first-start.ts'
import { freePort } from '../dev/ports.ts'
import { startPostgres } from '../dev/postgres.ts'
import { end, type Guard } from '../dev/processes.ts'
import { findRedis } from '../dev/redis-program.ts'
import { startRedis } from '../dev/redis.ts'
import { newSecrets, type KeptSecrets } from '../dev/secrets.ts'
import {
  serviceVariables,
  startService,
  untilServiceReady,
  type ServiceProcess,
  type Setting,
} from '../dev/services.ts'
import { startApp } from './app.ts'

/** Requests a minute that content takes of one caller. */
export const CONTENT_LIMIT = 40
const HASTY = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
const PATIENCE_MS = 2000

/** What stands behind the gateways: the pair, and a service that has no verifier. */
export interface World {
  readonly setting: Setting
  readonly authUrl: string
  readonly appPort: number
  readonly adminPassword: string
  /** Another auth on the same stores, for tokens that the first one would not issue. */
  startAuth(more: Readonly<Record<string, string>>): Promise<{ url: string; stop(): Promise<void> }>
  /** Ends auth, and leaves the rest. */
  stopAuth(): Promise<void>
  stop(): Promise<void>
}

/** @param folder for the data of this run, with nothing in it */
export async function startWorld(folder: string, guard: Guard): Promise<World> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const secrets = newSecrets()
  const [postgres, redis] = await startStores(folder, secrets, guard)
  const { databases, adminPassword = '' } = await makeWhatIsMissing(postgres.adminUrl, secrets)
  const ports = { auth: await freePort(), content: await freePort() }
  const origin = `http://localhost:${ports.auth}`
  const metricsPorts = { auth: 0, content: 0 }
  const setting: Setting = { origin, ports, metricsPorts, databases, redisUrl: redis.url, secrets }

  const start = async (
    name: 'auth' | 'content',
    more: Readonly<Record<string, string>>,
    port: number,
  ): Promise<ServiceProcess> => {
    const own = { HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'error' }
    const env = { ...serviceVariables(name, setting), ...own, ...more }
    const service = startService(name, env, join(folder, `${name}-${port}.log`))
    guard.watch(service.child, 'SIGTERM')
    await untilServiceReady(service, `http://localhost:${port}`)
    return service
  }
  const stop = ({ child }: ServiceProcess) => end(child, 'SIGTERM', PATIENCE_MS)

  const auth = await start('auth', { RATE_LIMIT_MAX: '0' }, ports.auth)
  const content = await start('content', { RATE_LIMIT_MAX: String(CONTENT_LIMIT) }, ports.content)
  const appPort = await freePort()
  const app = await startApp(appPort)
  return {
    setting,
    authUrl: origin,
    appPort,
    adminPassword,
    startAuth: async (more) => {
      const port = await freePort()
      const other = await start('auth', { RATE_LIMIT_MAX: '0', ...more }, port)
      return { url: `http://localhost:${port}`, stop: () => stop(other) }
    },
    stopAuth: () => stop(auth),
    stop: async () => {
      app.close()
      await Promise.all([stop(auth), stop(content)])
      await Promise.all([postgres.stop(), redis.stop()])
    },
  }
}

async function startStores(folder: string, secrets: KeptSecrets, guard: Guard) {
  const onSpawn = guard.watch.bind(guard)
  const { path: program } = await findRedis()
  return Promise.all([
    startPostgres({
      folder: join(folder, 'postgres'),
      port: await freePort(),
      password: secrets.postgres,
      log: join(folder, 'postgres.log'),
      settings: HASTY,
      onSpawn,
    }),
    startRedis({
      program,
      folder: join(folder, 'redis'),
      port: await freePort(),
      password: secrets.redis,
      log: join(folder, 'redis.log'),
      onSpawn,
    }),
  ])
}
