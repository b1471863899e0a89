import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildServices } from '../build/services.ts'
import { makeWhatIsMissing } from '../dev/first-start.ts'
import { homeFolder } from '../dev/places.ts'
import { freePort } from '../dev/ports.ts'
import { startPostgres } from '../dev/postgres.ts'
import { Guard } from '../dev/processes.ts'
import { findRedis } from '../dev/redis-program.ts'
import { startRedis } from '../dev/redis.ts'
import { say } from '../dev/screen.ts'
import { newSecrets } from '../dev/secrets.ts'
import { SERVICE_FLAGS, serviceVariables, type Setting } from '../dev/services.ts'
import { profileArguments } from './profile.ts'
import { startServer, type processors, type Server } from './server.ts'

/** As much of an answer as a server says by itself, rather than Node for it. */
export interface Answer {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Both services in production mode, and the reference, on stores of their own. */
export interface Stage {
  readonly auth: Server
  readonly content: Server
  readonly setting: Setting
  /** The reference, which sends this answer at `/answer`, and its body alone at `/body`. */
  reference(answer?: Answer): Promise<Server>
  /** One more instance of a service, beside the one that is there. */
  another(service: 'auth' | 'content'): Promise<Server>
  stop(): Promise<void>
}

/** Limits stay on, at a number that nobody reaches: what they cost belongs to the figures. */
const SETTINGS = { RATE_LIMIT_MAX: '1000000000', LOGIN_THROTTLE: 'off', LOG_LEVEL: 'info' }

/** Hashing that takes next to nothing, where thousands of sessions are needed and not the way to them. */
export const CHEAP_HASHING = { ARGON2_MEMORY_KIB: '8', ARGON2_TIME_COST: '1' }

export interface StageOptions {
  /** The processors that each service has. */
  readonly on: keyof typeof processors
  readonly settings?: NodeJS.ProcessEnv
  /** Folder into which each service writes its CPU profile when it stops. */
  readonly profiles?: string | undefined
}

export async function setStage({ on, settings = {}, profiles }: StageOptions): Promise<Stage> {
  say('build', 'both services, as production runs them')
  await buildServices()
  const guard = new Guard()
  const folder = homeFolder(`bench-${process.pid}`)
  const secrets = newSecrets()
  const program = await findRedis()
  const postgres = await startPostgres({
    folder: join(folder, 'postgres'),
    port: await freePort(),
    password: secrets.postgres,
    log: join(folder, 'postgres.log'),
    settings: { max_connections: '200' },
    onSpawn: guard.watch.bind(guard),
  })
  const redis = await startRedis({
    program: program.path,
    folder: join(folder, 'redis'),
    port: await freePort(),
    password: secrets.redis,
    log: join(folder, 'redis.log'),
    onSpawn: guard.watch.bind(guard),
  })
  const { databases } = await makeWhatIsMissing(postgres.adminUrl, secrets)
  const [authPort, contentPort] = await Promise.all([freePort(), freePort()])
  const setting: Setting = {
    origin: `http://127.0.0.1:${authPort}`,
    ports: { auth: authPort, content: contentPort },
    metricsPorts: { auth: 0, content: 0 },
    databases,
    redisUrl: redis.url,
    secrets,
  }
  const start = (name: 'auth' | 'content', port: number) =>
    startServer(
      `services/${name}/dist/server.js`,
      port,
      { ...serviceVariables(name, setting), ...SETTINGS, ...settings, HOST: '127.0.0.1' },
      {
        on,
        args: [...SERVICE_FLAGS[name], ...(profiles === undefined ? [] : profileArguments(profiles, name))],
      },
    )
  const auth = await start('auth', authPort)
  const content = await start('content', contentPort)
  const others: Server[] = []
  const keep = (server: Server) => {
    others.push(server)
    return server
  }
  return {
    auth,
    content,
    setting,
    reference: async ({ headers, body } = { headers: {}, body: '' }) => {
      const env = {
        DATABASE_URL: databases.content,
        BODY: body,
        HEADERS: String(new URLSearchParams(headers)),
      }
      const args = ['--conditions=@portcullis/source']
      return keep(await startServer('infra/bench/reference.ts', await freePort(), env, { args }))
    },
    another: async (service) => keep(await start(service, await freePort())),
    stop: async () => {
      await Promise.allSettled([...others, content, auth].map((server) => server.stop()))
      await redis.stop()
      await postgres.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
