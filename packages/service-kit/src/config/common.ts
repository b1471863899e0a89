import { Type } from 'typebox'
import { tracingSettings } from '../tracing/settings.ts'
import { settingsRule } from './load.ts'

/** Settings that every service has; spread them into its own schema. */
export const commonSettings = {
  HOST: Type.String({ format: 'host', default: '127.0.0.1' }),
  METRICS_HOST: Type.String({ format: 'host', default: '127.0.0.1' }),
  /** 0 opens no port for metrics. */
  METRICS_PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 0 }),
  /** `iss` of every token, and where the pages of problems are. */
  ISSUER: Type.String({ format: 'origin' }),
  AUDIENCE: Type.String({
    minLength: 1,
    maxLength: 256,
    pattern: String.raw`\S`,
    description: '1 to 256 characters that are not white space alone',
  }),
  /** Of access tokens: auth signs by it, and a token of another one is refused everywhere. */
  SIGNING_ALGORITHM: Type.Union([Type.Literal('ES256'), Type.Literal('RS256')], { default: 'ES256' }),
  DATABASE_URL: Type.String({ format: 'postgres-url' }),
  DATABASE_POOL_SIZE: Type.Integer({ minimum: 1, maximum: 200, default: 10 }),
  CACHE_REDIS_URL: Type.String({ format: 'redis-url' }),
  REVOCATION_REDIS_URL: Type.String({ format: 'redis-url' }),
  /** Requests a minute and caller; 0 sets no limit. */
  RATE_LIMIT_MAX: Type.Integer({ minimum: 0, maximum: 1_000_000_000, default: 100 }),
  /** From whom `X-Forwarded-For` is believed: addresses and ranges. */
  TRUST_PROXY: Type.String({ format: 'trust-proxy', default: 'false' }),
  /** Origins whose pages may call the service (CORS), separated by commas. */
  CORS_ORIGINS: Type.String({ format: 'origins', default: '' }),
  LOG_LEVEL: Type.Union(
    [
      Type.Literal('fatal'),
      Type.Literal('error'),
      Type.Literal('warn'),
      Type.Literal('info'),
      Type.Literal('debug'),
      Type.Literal('trace'),
      Type.Literal('silent'),
    ],
    { default: 'info' },
  ),
  ...tracingSettings,
  /** How long a stopping service still answers after readiness has begun to fail. */
  DRAIN_SECONDS: Type.Number({ minimum: 0, maximum: 300, default: 0 }),
}

/** The ports of a service, `PORT` included, which is its own setting. */
export const portsRule = settingsRule(
  Type.Object({ PORT: Type.Integer(), METRICS_PORT: Type.Integer() }),
  ({ PORT, METRICS_PORT }) =>
    PORT !== 0 && PORT === METRICS_PORT ? 'METRICS_PORT is the same as PORT' : undefined,
)

/** `TRUST_PROXY` as Fastify's `trustProxy` wants it. */
export function trustProxyOf(setting: string): boolean | string {
  if (setting === '' || setting === 'false') return false
  if (setting === 'true') return true
  return setting
}
