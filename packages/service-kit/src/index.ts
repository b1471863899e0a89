export * from './config/common.ts'
export * from './config/load.ts'
export { createApp, type App, type AppOptions } from './http/app.ts'
export type { Log } from './http/log.ts'
export { loggerOptions, readableOutput, serializeError, type LoggerOptions } from './http/logger.ts'
export { serve, type ServeOptions } from './http/serve.ts'
export { EXIT_CONFIG, main } from './program/main.ts'
export { type Health, type HealthCheck } from './health/health.ts'
export { asProblem } from './problems/handler.ts'
export { type MetricsOptions } from './metrics/metrics.ts'
export * from './metrics/gauge.ts'
export * from './metrics/revocations.ts'
export * from './problems/problem.ts'
export { clientProblems, problemResponses, userProblems } from './problems/responses.ts'
export { CREATED_HEADERS, REVOCATION_HEADERS, VERSIONED_HEADERS, withHeaders } from './docs/headers.ts'
export { type Tag } from './docs/docs.ts'
export { DatabaseRefusal } from './stores/database-refusal.ts'
export * from './stores/errors.ts'
export { Gatherer } from './stores/gatherer.ts'
export { LOCALE_ADVICE, localeFault } from './stores/locale.ts'
export * from './stores/migrate.ts'
export * from './stores/provision.ts'
export { createPool, type PostgresOptions } from './stores/pool.ts'
export { default as postgres } from './stores/postgres.ts'
export * from './stores/redis-client.ts'
export { default as redis, type RedisPluginOptions } from './stores/redis.ts'
export { Pipeline } from './stores/pipeline.ts'
export { createPreparer } from './stores/prepared.ts'
export * from './stores/statement.ts'
export * from './stores/transaction.ts'
export { keyByToken } from './limits/caller.ts'
export { default as rateLimit, subscriberOf, type KeyOf, type RateLimitOptions } from './limits/rate-limit.ts'
export * from './http/conditional.ts'
export { Cursors } from './lists/cursor.ts'
export {
  PAGE_SIZE,
  readAll,
  readPage,
  readPageBy,
  type Page,
  type PageOfIds,
  type PagePart,
  type PageQuery,
} from './lists/page.ts'
// The types of app.pg and app.redis come with these.
export type { PostgresDb } from '@fastify/postgres'
export type { FastifyRedis } from '@fastify/redis'
export * from './idempotency/idempotency.ts'
export { deriveKey } from './secrets/derive-key.ts'
export { default as secrets } from './secrets/secrets.ts'
export { boundedTo } from './collections/bounded.ts'
export { Cache, cacheKey, raiseTopics, type CacheOptions, type Topics } from './cache/two-tier.ts'
export { default as cache, type CachePluginOptions } from './cache/cache.ts'
