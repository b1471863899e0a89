import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { makeWhatIsMissing } from '../dev/first-start.ts'
import { homeFolder, root } from '../dev/places.ts'
import { freePort } from '../dev/ports.ts'
import { end, Guard, type OnSpawn } from '../dev/processes.ts'
import { findRedis } from '../dev/redis-program.ts'
import { startRedis, type RedisServer, type RedisServerOptions } from '../dev/redis.ts'
import { newSecrets } from '../dev/secrets.ts'
import { serviceVariables, type Setting } from '../dev/services.ts'
import { AuthProcess } from './auth-process.ts'
import { Database } from './database.ts'
import { Verifier } from './verifier.ts'

const SETTINGS = {
  RATE_LIMIT_MAX: '0',
  LOGIN_THROTTLE: 'off',
  LOG_LEVEL: 'info',
  METRICS_PORT: '0',
  // What is looked at here is not what hashing costs.
  ARGON2_MEMORY_KIB: '8',
  ARGON2_TIME_COST: '1',
}
const VERIFIERS = 8
/** Of a command of the CLI: done, but a verifier has not said in time that it has applied the revocation. */
const EXIT_PENDING = 2

/** Two instances of auth, eight verifiers, their stores, and the means to harm all of them. */
export class Stage {
  readonly folder: string
  readonly #sentinelUrl: string | undefined
  readonly auths: AuthProcess[] = []
  readonly verifiers: Verifier[] = []
  readonly secrets = newSecrets()
  readonly #guard = new Guard()
  #database: Database | undefined
  #redis: { options: RedisServerOptions; running: RedisServer } | undefined
  #env: NodeJS.ProcessEnv = {}
  /** The administrator of the application, whose password nobody else knows. */
  adminPassword = ''

  /** @param sentinelUrl of the Redis to use instead of one of its own */
  constructor(sentinelUrl?: string) {
    this.folder = homeFolder(`chaos-${process.pid}${sentinelUrl === undefined ? '' : '-sentinel'}`)
    this.#sentinelUrl = sentinelUrl
  }

  async set(verifiers = VERIFIERS): Promise<void> {
    const [database, redis] = await Promise.all([
      Database.start(this.folder, this.secrets.postgres, this.#watch),
      this.#sentinelUrl === undefined ? this.#makeRedis() : undefined,
    ])
    this.#database = database
    this.#redis = redis
    const { databases, adminPassword } = await makeWhatIsMissing(database.adminUrl, this.secrets)
    this.adminPassword = adminPassword ?? ''
    const port = await freePort()
    const setting: Setting = {
      origin: `http://127.0.0.1:${port}`,
      ports: { auth: port, content: port },
      metricsPorts: { auth: 0, content: 0 },
      databases: { ...databases, auth: database.throughProxy(databases.auth) },
      redisUrl: this.redisUrl,
      secrets: this.secrets,
    }
    this.#env = { ...serviceVariables('auth', setting), ...SETTINGS }
    for (const [index, own] of [port, await freePort()].entries()) {
      const ports = { port: own, inspectPort: await freePort() }
      const log = join(this.folder, `auth-${index + 1}.log`)
      this.auths.push(new AuthProcess(ports, this.#env, log, this.#guard))
    }
    for (const auth of this.auths) await auth.start()
    await this.addVerifiers(verifiers)
  }

  /** Makes more verifiers, half of which reach each instance of auth. */
  async addVerifiers(count: number): Promise<Verifier[]> {
    const added = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        Verifier.create(
          {
            issuer: this.#env['ISSUER'] ?? '',
            redisUrl: this.redisUrl,
            authPort: this.auth(this.verifiers.length + index).port,
            clientSecret: this.secrets.clientSecret,
          },
          this.#guard,
        ),
      ),
    )
    await Promise.all(added.map((verifier) => verifier.start()))
    this.verifiers.push(...added)
    return added
  }

  async removeVerifier(verifier: Verifier): Promise<void> {
    this.verifiers.splice(this.verifiers.indexOf(verifier), 1)
    await verifier.close()
    await verifier.stop()
  }

  /** One of the two. */
  auth(index: number): AuthProcess {
    const auth = this.auths[index % this.auths.length]
    if (!auth) throw new Error('the stage is not set')
    return auth
  }

  get redisUrl(): string {
    return this.#sentinelUrl ?? this.#redis?.running.url ?? ''
  }

  /** Auth's database, with auth's own role. */
  get databaseUrl(): string {
    return this.#env['DATABASE_URL'] ?? ''
  }

  /** A client of the Redis that carries the log. Whoever opens it disconnects it. */
  openRedis(): Redis {
    const client = new Redis(`${this.redisUrl}/1`, { maxRetriesPerRequest: null, protocol: 2 })
    client.on('error', () => undefined)
    return client
  }

  async killRedis(): Promise<void> {
    if (this.#redis) await end(this.#redis.running.child, 'SIGKILL', 1000)
  }

  /** Starts it in the same place, without what it had. */
  async startRedisEmpty(): Promise<void> {
    if (!this.#redis) return
    rmSync(this.#redis.options.folder, { recursive: true, force: true })
    this.#redis.running = await startRedis(this.#redis.options)
  }

  get database(): Database {
    if (!this.#database) throw new Error('the stage is not set')
    return this.#database
  }

  /**
   * Runs a command of the CLI; the status that a request would have been answered with: 202 if a verifier has not
   * said in time that it has applied the revocation. @throws Error if it fails
   */
  portcullis(...args: string[]): Promise<200 | 202> {
    const program = join(root, 'services/auth/src/cli/portcullis.ts')
    return new Promise((resolve, reject) => {
      execFile(
        process.execPath,
        ['--conditions=@portcullis/source', program, ...args],
        { env: this.#env, cwd: root },
        (error, out, err) => {
          if (error && error.code !== EXIT_PENDING)
            reject(new Error(`portcullis ${args.join(' ')}: ${err || out}`))
          else resolve(error ? 202 : 200)
        },
      )
    })
  }

  async clear(): Promise<void> {
    await Promise.allSettled(this.verifiers.map((verifier) => verifier.stop()))
    await Promise.allSettled(this.auths.map((auth) => auth.kill()))
    await Promise.allSettled([this.#database?.stop(), this.#redis?.running.stop()])
  }

  async #makeRedis(): Promise<{ options: RedisServerOptions; running: RedisServer }> {
    const options = {
      program: (await findRedis()).path,
      folder: join(this.folder, 'redis'),
      port: await freePort(),
      password: this.secrets.redis,
      log: join(this.folder, 'redis.log'),
      onSpawn: this.#watch,
    }
    return { options, running: await startRedis(options) }
  }

  readonly #watch: OnSpawn = (child, signal) => this.#guard.watch(child, signal)
}
