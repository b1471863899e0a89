import {
  CreatePostBodySchema,
  PostSchema,
  TaskBodySchema,
  TaskSchema,
  UpdatePostBodySchema,
  UpdateTaskBodySchema,
} from '@portcullis/schemas'
import {
  createApp,
  originsOf,
  rateLimit,
  redis,
  trustProxyOf,
  type App,
  type LoggerOptions,
} from '@portcullis/service-kit'
import verifier from '@portcullis/token-verifier/fastify'
import type { Config } from './config.ts'
import { readPostRoutes } from './features/posts/read.ts'
import { writePostRoutes } from './features/posts/write.ts'
import { taskRoutes } from './features/tasks/routes.ts'
import cursors from './plugins/cursors.ts'
import database from './plugins/database.ts'
import { callerOf } from './plugins/caller.ts'

const PREFIX = '/api/v1'

/** What tests replace. */
export interface Deps {
  readonly logger?: Omit<LoggerOptions, 'name'>
}

/** The content service: posts for everybody, tasks for their owners. Only registers; `server.ts` listens. */
export function build(config: Config, deps: Deps = {}): App {
  const app = createApp({
    name: 'content',
    title: 'Portcullis content',
    version: '0.1.0',
    description: 'Posts and tasks. Verifies every token by itself: no request asks auth.',
    issuer: config.ISSUER,
    logger: deps.logger ?? { level: config.LOG_LEVEL },
    trustProxy: trustProxyOf(config.TRUST_PROXY),
    corsOrigins: originsOf(config.CORS_ORIGINS),
    metrics: { host: config.METRICS_HOST, port: config.METRICS_PORT },
  })

  for (const schema of [PostSchema, CreatePostBodySchema, UpdatePostBodySchema]) app.addSchema(schema)
  for (const schema of [TaskSchema, TaskBodySchema, UpdateTaskBodySchema]) app.addSchema(schema)

  app.register(database, config)
  app.register(redis, { url: config.CACHE_REDIS_URL, name: 'content' })
  app.register(verifier, {
    issuer: config.ISSUER,
    audience: config.AUDIENCE,
    jwksUrl: config.JWKS_URL,
    redisUrl: config.REVOCATION_REDIS_URL,
    clientId: config.CLIENT_ID,
    maxStalenessSeconds: config.MAX_STALENESS_SECONDS,
  })
  app.register(rateLimit, ({ redis }) => ({ max: config.RATE_LIMIT_MAX, redis, keyOf: callerOf }))
  app.register(cursors, { secret: config.CLIENT_SECRET })

  app.register(readPostRoutes, { prefix: PREFIX })
  app.register(
    async (users) => {
      users.addHook('onRequest', users.authenticate)
      users.register(writePostRoutes)
      users.register(taskRoutes)
    },
    { prefix: PREFIX },
  )
  return app
}
