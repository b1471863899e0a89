import { Type, type Static, type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { LightMyRequestResponse } from 'fastify'
import { PostSchema, ProblemSchema, TaskSchema } from '@portcullis/schemas'
import type { App } from '@portcullis/service-kit'
import {
  createDatabase,
  startIssuer,
  startRedis,
  guardLog,
  type Teardown,
  type TestIssuer,
  type TestRedis,
} from '@portcullis/test-kit'
import { createVerifier } from '@portcullis/token-verifier'
import { build, type Deps } from '../../src/app.ts'
import type { Config } from '../../src/config.ts'
import { until } from './until.ts'

export interface Content {
  readonly app: App
  readonly config: Config
  readonly issuer: TestIssuer
  readonly redis: TestRedis
  /** One more instance over the same stores. */
  readonly another: () => Promise<App>
}

/** The service over stores of its own, and an issuer whose tokens it takes. */
export async function startContent(
  t: Teardown,
  settings: Partial<Config> = {},
  deps: Deps = {},
): Promise<Content> {
  const [databaseUrl, redis, issuer] = await Promise.all([
    createDatabase(t, 'content'),
    startRedis(t),
    startIssuer(t),
  ])
  const config: Config = {
    HOST: '127.0.0.1',
    PORT: 0,
    METRICS_HOST: '127.0.0.1',
    METRICS_PORT: 0,
    OTEL_TRACES_SAMPLER_ARG: 1,
    ISSUER: issuer.url,
    AUDIENCE: issuer.audience,
    SIGNING_ALGORITHM: 'ES256',
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_SIZE: 5,
    CACHE_REDIS_URL: redis.url(0),
    REVOCATION_REDIS_URL: redis.url(1),
    RATE_LIMIT_MAX: 0,
    TRUST_PROXY: 'false',
    CORS_ORIGINS: '',
    LOG_LEVEL: 'silent',
    DRAIN_SECONDS: 0,
    JWKS_URL: issuer.jwksUrl,
    AUTH_URL: issuer.url,
    CLIENT_ID: 'content',
    CLIENT_SECRET: 'a secret of the tests, of 32 letters',
    MAX_STALENESS_SECONDS: 2,
    ...settings,
  }
  const logger = { level: 'trace', stream: guardLog(t, [config.CLIENT_SECRET]) }
  const start = async () => {
    const verifier = createVerifier(issuer.verifierOptions)
    const app = build(config, { verifier, logger, ...deps })
    t.teardown(() => app.close())
    await app.ready()
    await verifier.whenReady()
    // A first connection to the database can take its time on a busy machine.
    await until(async () => (await app.inject('/health/ready')).statusCode === 200)
    return app
  }
  return { app: await start(), config, issuer, redis, another: start }
}

/** Headers of a user's request. */
export function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` }
}

function listOf<T extends TSchema>(item: T) {
  return Type.Object({ items: Type.Array(item), next_cursor: Type.Union([Type.String(), Type.Null()]) })
}

export const schemas = {
  post: Compile(PostSchema),
  posts: Compile(listOf(PostSchema)),
  task: Compile(TaskSchema),
  tasks: Compile(listOf(TaskSchema)),
  problem: Compile(ProblemSchema),
}

export type Problem = Static<typeof ProblemSchema>

/** Reads over HTTP from a service that listens, since what it has stored it sends before Fastify sees the request. */
export async function get(app: App, path: string): Promise<{ statusCode: number; body: string }> {
  const [address] = app.addresses()
  if (typeof address !== 'object') throw new Error('the service does not listen')
  const response = await fetch(`http://${address.address}:${address.port}${path}`)
  return { statusCode: response.status, body: await response.text() }
}

/** The body of an answer, which has to fit the schema and have this status. */
export function read<T>(
  response: Pick<LightMyRequestResponse, 'statusCode' | 'body'>,
  status: number,
  schema: { Check(value: unknown): value is T },
): T {
  const body: unknown = JSON.parse(response.body)
  if (response.statusCode === status && schema.Check(body)) return body
  throw new Error(`${response.statusCode} ${response.body}`)
}
