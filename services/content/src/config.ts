import { Type, type Static } from 'typebox'
import { ClientIdSchema, ClientSecretSchema } from '@portcullis/schemas'
import { commonSettings, loadConfig, portsRule } from '@portcullis/service-kit'

export const ConfigSchema = Type.Object({
  ...commonSettings,
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 3002 }),
  METRICS_PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 9102 }),
  AUDIENCE: Type.String({ ...commonSettings.AUDIENCE, default: 'portcullis' }),
  /** Where the keys that sign tokens are published. */
  JWKS_URL: Type.String({ format: 'http-url' }),
  /** Under which auth is reached from here, for its feeds and for tokens. */
  AUTH_URL: Type.String({ format: 'http-url' }),
  /** As which registered client this service follows auth. */
  CLIENT_ID: Type.String({ ...ClientIdSchema, default: 'content' }),
  CLIENT_SECRET: ClientSecretSchema,
  /** Routes answer 503 when revocations have not been heard of for longer. */
  MAX_STALENESS_SECONDS: Type.Number({ minimum: 0.5, maximum: 30, default: 2 }),
})

export type Config = Static<typeof ConfigSchema>

/** @throws {ConfigError} naming every setting at fault. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  return loadConfig(ConfigSchema, env, [portsRule])
}
