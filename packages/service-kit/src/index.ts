export { commonSettings, portsRule, trustProxyOf } from './config/common.ts'
export { originsOf } from './config/formats.ts'
export { ConfigError, loadConfig, settingsRule, type SettingsRule } from './config/load.ts'
export { createApp, type App, type AppOptions } from './http/app.ts'
export type { Log } from './http/log.ts'
export { readableOutput, serializeError, type LoggerOptions } from './http/logger.ts'
export { serve, type ServeOptions } from './http/serve.ts'
export { default as storedAnswers, type StoredAnswersOptions } from './http/stored-answers.ts'
export { EXIT_CONFIG, main } from './program/main.ts'
export { type Health, type HealthCheck } from './health/health.ts'
export { asProblem } from './problems/handler.ts'
export { type MetricsOptions } from './metrics/metrics.ts'
export { gauge, gauges } from './metrics/gauge.ts'
export { measureReplica, observeVerifier } from './metrics/revocations.ts'
export { ProblemError, RETRY_SOON, problem, type ProblemOptions } from './problems/problem.ts'
export { clientProblems, problemResponses, userProblems } from './problems/responses.ts'
export { CREATED_HEADERS, REVOCATION_HEADERS, VERSIONED_HEADERS, withHeaders } from './docs/headers.ts'
export { type Tag } from './docs/docs.ts'
export { DatabaseRefusal } from './stores/database-refusal.ts'
export { databaseErrorOf, databaseFailure, isUniqueViolation, type DatabaseFailure } from './stores/errors.ts'
export { Gatherer } from './stores/gatherer.ts'
export { LOCALE_ADVICE, localeFault } from './stores/locale.ts'
export { migrate, type MigrateOptions } from './stores/migrate.ts'
export { provisionDatabase, type ProvisionOptions } from './stores/provision.ts'
export { createPool, type PostgresOptions } from './stores/pool.ts'
export { default as postgres } from './stores/postgres.ts'
export {
  connectRedis,
  connectSubscriber,
  isReady,
  onLost,
  primariesOf,
  sendAll,
  untilRedisReady,
  type RedisClient,
  type RedisConnection,
} from './stores/redis-client.ts'
export { default as redis, type RedisPluginOptions } from './stores/redis.ts'
export { Pipeline } from './stores/pipeline.ts'
export { createPreparer } from './stores/prepared.ts'
export {
  Statement,
  statement,
  statements,
  type Executor,
  type Given,
  type Param,
} from './stores/statement.ts'
export { isOutcomeUnknown, transact } from './stores/transaction.ts'
export { keyByToken } from './limits/caller.ts'
export { default as rateLimit, subscriberOf, type KeyOf, type RateLimitOptions } from './limits/rate-limit.ts'
export {
  NotModifiedSchema,
  ReadPreconditionSchema,
  WritePreconditionSchema,
  isNotModified,
  notModified,
  writePreconditionOf,
  type Precondition,
} from './http/conditional.ts'
export { type Cursors } from './lists/cursor.ts'
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
export {
  IDEMPOTENCY_PROBLEMS,
  IdempotencyKeySchema,
  REPLAYED,
  createOnce,
  deleteOldAnswers,
  findRemembered,
  insertAnswer,
  type Created,
  type Idempotency,
  type IdempotentRequest,
  type Remembered,
} from './idempotency/idempotency.ts'
export { deriveKey } from './secrets/derive-key.ts'
export { default as secrets } from './secrets/secrets.ts'
export { boundedTo } from './collections/bounded.ts'
export { Cache, cacheKey, raiseTopics, type CacheOptions, type Topics } from './cache/two-tier.ts'
export { default as cache, type CachePluginOptions } from './cache/cache.ts'
