import {
  CreatePostBodySchema,
  PostPageSchema,
  PostSchema,
  TaskBodySchema,
  TaskPageSchema,
  TaskSchema,
  UpdatePostBodySchema,
  UpdateTaskBodySchema,
} from '@portcullis/schemas'
import {
  cache,
  createApp,
  originsOf,
  rateLimit,
  redis,
  secrets,
  storedAnswers,
  trustProxyOf,
  type App,
  type LoggerOptions,
} from '@portcullis/service-kit'
import type { Verifier } from '@portcullis/token-verifier'
import type { Config } from './config.ts'
import { DESCRIPTION, TAGS } from './description.ts'
import { readPostRoutes } from './features/posts/read.ts'
import { writePostRoutes } from './features/posts/write.ts'
import { taskRoutes } from './features/tasks/routes.ts'
import database from './plugins/database.ts'
import housekeeping from './plugins/housekeeping.ts'
import userChanges from './plugins/user-changes.ts'
import verification from './plugins/verification.ts'

export interface Deps {
  /** Level and destination of the log; silent without. */
  readonly logger?: Omit<LoggerOptions, 'name'>
  /** Instead of one made from the configuration. */
  readonly verifier?: Verifier
}

/** The service content: everything is registered here, nothing is decided. */
export function build(config: Config, { logger, verifier }: Deps = {}): App {
  const trustProxy = trustProxyOf(config.TRUST_PROXY)
  const app = createApp({
    name: 'content',
    title: 'Portcullis content',
    version: '0.1.0',
    description: DESCRIPTION,
    tags: TAGS,
    issuer: config.ISSUER,
    trustProxy,
    corsOrigins: originsOf(config.CORS_ORIGINS),
    metrics: { host: config.METRICS_HOST, port: config.METRICS_PORT },
    ...(logger && { logger }),
  })
  for (const schema of [
    PostSchema,
    PostPageSchema,
    CreatePostBodySchema,
    UpdatePostBodySchema,
    TaskSchema,
    TaskPageSchema,
    TaskBodySchema,
    UpdateTaskBodySchema,
  ])
    app.addSchema(schema)

  app.register(database, config)
  app.register(redis, { url: config.CACHE_REDIS_URL, name: 'content cache' })
  app.register(verification, { config, verifier })
  app.register(cache, { url: config.CACHE_REDIS_URL, name: 'content' })
  app.register(secrets, { secret: config.CLIENT_SECRET })
  app.register(userChanges, config)
  app.register(housekeeping)
  app.register(rateLimit, ({ redis, rateLimitKeyOf }) => ({
    max: config.RATE_LIMIT_MAX,
    redis,
    keyOf: rateLimitKeyOf,
  }))
  app.register(storedAnswers, {
    trustProxy,
    isTraced: config.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined,
  })

  app.register(
    async (api) => {
      await api.register(readPostRoutes)
      await api.register(async (users) => {
        users.addHook('onRequest', users.authenticate)
        await users.register(writePostRoutes)
        await users.register(taskRoutes)
      })
    },
    { prefix: '/api/v1' },
  )
  return app
}
