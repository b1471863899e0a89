import { randomBytes } from 'node:crypto'
import type { App } from '@portcullis/service-kit'
import { loadConfig } from '@portcullis/service-kit'
import type { TokenPair, User } from '@portcullis/schemas'
import type { Clock } from '@portcullis/token-verifier'
import { createDatabase, guardLog, startRedis, type Teardown, type TestRedis } from '@portcullis/test-kit'
import { build } from '../../src/app.ts'
import { ConfigSchema } from '../../src/config.ts'
import type {} from '../../src/plugins/revocation.ts'
import type {} from '../../src/plugins/stores.ts'

export const PASSWORD = 'correct horse battery staple'

/** A clock that runs with the machine's, and can be moved on. */
export class MovableClock implements Clock {
  #offset = 0
  now = (): number => Date.now() + this.#offset
  monotonic = (): number => performance.now() + this.#offset
  advance(milliseconds: number): void {
    this.#offset += milliseconds
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly body: any
}

export interface CallOptions {
  readonly token?: string | undefined
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface TestUser {
  readonly id: string
  readonly username: string
  readonly password: string
}

/** The service auth on a database and a Redis of its own. */
export interface TestAuth {
  readonly app: App
  readonly clock: MovableClock
  readonly redis: TestRedis
  readonly databaseUrl: string
  readonly env: Readonly<Record<string, string>>
  /** A request that takes the whole way through the service, but for the socket. */
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
  /** A new user, made by signup; with roles, these are put into the database. */
  newUser(options?: {
    readonly username?: string
    readonly email?: string
    readonly roles?: readonly string[]
  }): Promise<TestUser>
  login(user: TestUser): Promise<TokenPair>
  /** Moves the clock on and waits until the replica is young again. */
  advance(milliseconds: number): Promise<void>
  /** Another instance of the service on the same stores. */
  another(overrides?: Readonly<Record<string, string>>): Promise<App>
}

let users = 0

/** @param overrides settings, as in the environment */
export async function startAuth(
  t: Teardown,
  overrides: Readonly<Record<string, string>> = {},
): Promise<TestAuth> {
  const [databaseUrl, redis] = await Promise.all([createDatabase(t, 'auth'), startRedis(t)])
  const clock = new MovableClock()
  const env = {
    HOST: '127.0.0.1',
    PORT: '0',
    METRICS_PORT: '0',
    DATABASE_URL: databaseUrl,
    CACHE_REDIS_URL: redis.url(0),
    REVOCATION_REDIS_URL: redis.url(1),
    SESSION_REDIS_URL: redis.url(2),
    ISSUER: 'http://auth.test',
    KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    RATE_LIMIT_MAX: '0',
    LOGIN_THROTTLE: 'off',
    // As cheap as argon2 goes: what is tested is not the cost.
    ARGON2_MEMORY_KIB: '8',
    ARGON2_TIME_COST: '1',
    ...overrides,
  }
  const logger = { level: 'trace', stream: guardLog(t, [PASSWORD, env.KEY_ENCRYPTION_KEY]) }
  const start = async (more: Readonly<Record<string, string>> = {}) => {
    const app = build(loadConfig(ConfigSchema, { ...env, ...more }), { clock, logger })
    t.teardown(() => app.close())
    await app.ready()
    return app
  }
  const app = await start()
  const call = callOf(app)

  const newUser: TestAuth['newUser'] = async ({ username = `user-${++users}`, email, roles } = {}) => {
    const { status, body } = await call('POST', '/api/v1/signup', {
      body: { username, password: PASSWORD, ...(email !== undefined && { email }) },
    })
    if (status !== 201) throw new Error(`signup answered ${status}: ${JSON.stringify(body)}`)
    const user: User = body.user
    if (roles)
      await app.db
        .updateTable('users')
        .set({ roles: [...roles] })
        .where('id', '=', user.id)
        .execute()
    return { id: user.id, username, password: PASSWORD }
  }

  return {
    app,
    clock,
    redis,
    databaseUrl,
    env,
    call,
    newUser,
    login: async ({ username, password }) => {
      const { status, body } = await call('POST', '/api/v1/login', { body: { username, password } })
      if (status !== 200) throw new Error(`login answered ${status}: ${JSON.stringify(body)}`)
      return body
    },
    advance: async (milliseconds) => {
      clock.advance(milliseconds)
      while (app.replica.age() > 500) await new Promise((resolve) => setTimeout(resolve, 10))
    },
    another: start,
  }
}

/** What the answers were, in the order of the numbers. */
export function statusesOf(answers: readonly Answer[]): number[] {
  return answers.map((answer) => answer.status).sort((a, b) => a - b)
}

/** Calls routes of an instance. */
export function callOf(app: App): TestAuth['call'] {
  return async (method, path, { token, body, headers = {} } = {}) => {
    const response = await app.inject({
      method: method as 'GET',
      url: path,
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
      ...(body !== undefined && { payload: body as object }),
    })
    const isJson = String(response.headers['content-type']).includes('json') && response.body !== ''
    return {
      status: response.statusCode,
      headers: response.headers,
      body: isJson ? response.json() : response.body,
    }
  }
}
