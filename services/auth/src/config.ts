import { Type, type Static, type TObject, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { ClientSecretSchema, MAX_ACCESS_TTL_SECONDS } from '@portcullis/schemas'
import { ConfigError, commonSettings, loadConfig, portsRule, settingsRule } from '@portcullis/service-kit'

const SealingKey = Type.String({
  pattern: '^[A-Za-z0-9+/]{43}=$',
  description: '32 bytes in base64: openssl rand -base64 32',
})
const Seconds = Type.Integer({ minimum: 1, maximum: 10 * 365 * 86_400 })

const hashSettings = {
  ARGON2_MEMORY_KIB: Type.Integer({ minimum: 8, maximum: 4_194_304, default: 19_456 }),
  ARGON2_TIME_COST: Type.Integer({ minimum: 1, maximum: 100, default: 2 }),
  ARGON2_PARALLELISM: Type.Integer({ minimum: 1, maximum: 16, default: 1 }),
}

export const ConfigSchema = Type.Object({
  ...commonSettings,
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 3001 }),
  METRICS_PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 9101 }),
  AUDIENCE: Type.String({ ...commonSettings.AUDIENCE, default: 'portcullis' }),
  SESSION_REDIS_URL: Type.String({ format: 'redis-url' }),
  /** 32 bytes in base64; seals private keys in the database. */
  KEY_ENCRYPTION_KEY: SealingKey,
  /** Opens what was sealed before the key was changed. */
  KEY_ENCRYPTION_KEY_PREVIOUS: Type.Optional(SealingKey),
  /** Rotate the keys once the active one has signed for this many days; 0: only `portcullis keys rotate` does. */
  KEY_ROTATION_DAYS: Type.Number({ minimum: 0, maximum: 3650, default: 0 }),
  ACCESS_TTL_SECONDS: Type.Integer({ minimum: 1, maximum: MAX_ACCESS_TTL_SECONDS, default: 900 }),
  /** A session not refreshed for this long ends. */
  REFRESH_IDLE_SECONDS: Type.Integer({ ...Seconds, default: 14 * 86_400 }),
  /** A session ends after this time, used or not. */
  REFRESH_ABSOLUTE_SECONDS: Type.Integer({ ...Seconds, default: 90 * 86_400 }),
  /** How long a used refresh token still gives the same successor. */
  REFRESH_REPLAY_SECONDS: Type.Integer({ minimum: 0, maximum: 300, default: 10 }),
  /** Whether a refresh also kills the older access tokens of the session. */
  ACCESS_ON_REFRESH: Type.Union([Type.Literal('keep'), Type.Literal('revoke')], { default: 'keep' }),
  ...hashSettings,
  /** Routes answer 503 when revocations have not been heard of for longer. */
  MAX_STALENESS_SECONDS: Type.Number({ minimum: 0.5, maximum: 30, default: 2 }),
  LOGIN_THROTTLE: Type.Union([Type.Literal('on'), Type.Literal('off')], { default: 'on' }),
  LOGIN_HISTORY_DAYS: Type.Integer({ minimum: 1, maximum: 3650, default: 90 }),
})

export type Config = Static<typeof ConfigSchema>

const databaseUrl = { DATABASE_URL: commonSettings.DATABASE_URL }

const databaseUrls = { ...databaseUrl, CONTENT_DATABASE_URL: Type.Optional(commonSettings.DATABASE_URL) }

const { KEY_ENCRYPTION_KEY, KEY_ENCRYPTION_KEY_PREVIOUS, SIGNING_ALGORITHM } = ConfigSchema.properties
const keySettings = { KEY_ENCRYPTION_KEY, KEY_ENCRYPTION_KEY_PREVIOUS, SIGNING_ALGORITHM }
/** Where else a command has to tell of what it changed; see `StoreConfig` and `awaitVerifiers`. */
const redisUrls = {
  CACHE_REDIS_URL: Type.Optional(commonSettings.CACHE_REDIS_URL),
  REVOCATION_REDIS_URL: Type.Optional(commonSettings.REVOCATION_REDIS_URL),
  SESSION_REDIS_URL: Type.Optional(ConfigSchema.properties.SESSION_REDIS_URL),
}
const storeSettings = { ...databaseUrl, ...redisUrls }

/** Where there is nothing yet, so that the URL has to tell all that is to be made. */
const OwnerUrl = Type.String({ format: 'postgres-owner-url' })

/** What each command of `portcullis` reads. */
export const commandConfigs = {
  provision: Type.Object({
    DATABASE_URL: OwnerUrl,
    CONTENT_DATABASE_URL: Type.Optional(OwnerUrl),
    POSTGRES_ADMIN_URL: commonSettings.DATABASE_URL,
  }),
  migrate: Type.Object(databaseUrls),
  createAdmin: Type.Object({
    ...storeSettings,
    ...hashSettings,
    ADMIN_PASSWORD: Type.Optional(Type.String()),
  }),
  keys: Type.Object({ ...storeSettings, ...keySettings }),
  clients: Type.Object({ ...storeSettings, CLIENT_SECRET: Type.Optional(ClientSecretSchema) }),
  users: Type.Object(storeSettings),
}

/** @throws {ConfigError} naming every setting at fault. */
export function readCommandConfig<T extends TObject>(
  schema: T,
  env: NodeJS.ProcessEnv = process.env,
): Static<T> {
  return loadConfig(schema, env)
}

const rules = [
  portsRule,
  settingsRule(
    Type.Pick(ConfigSchema, ['REFRESH_IDLE_SECONDS', 'REFRESH_ABSOLUTE_SECONDS']),
    ({ REFRESH_IDLE_SECONDS, REFRESH_ABSOLUTE_SECONDS }) =>
      REFRESH_IDLE_SECONDS > REFRESH_ABSOLUTE_SECONDS
        ? 'REFRESH_IDLE_SECONDS is more than REFRESH_ABSOLUTE_SECONDS'
        : undefined,
  ),
  settingsRule(
    Type.Pick(ConfigSchema, ['ACCESS_TTL_SECONDS', 'REFRESH_IDLE_SECONDS']),
    ({ ACCESS_TTL_SECONDS, REFRESH_IDLE_SECONDS }) =>
      ACCESS_TTL_SECONDS > REFRESH_IDLE_SECONDS
        ? 'ACCESS_TTL_SECONDS is more than REFRESH_IDLE_SECONDS'
        : undefined,
  ),
  settingsRule(
    Type.Object({ KEY_ENCRYPTION_KEY: SealingKey, KEY_ENCRYPTION_KEY_PREVIOUS: SealingKey }),
    ({ KEY_ENCRYPTION_KEY, KEY_ENCRYPTION_KEY_PREVIOUS }) =>
      KEY_ENCRYPTION_KEY === KEY_ENCRYPTION_KEY_PREVIOUS
        ? 'KEY_ENCRYPTION_KEY_PREVIOUS is the same as KEY_ENCRYPTION_KEY'
        : undefined,
  ),
  settingsRule(
    Type.Pick(ConfigSchema, ['ARGON2_MEMORY_KIB', 'ARGON2_PARALLELISM']),
    ({ ARGON2_MEMORY_KIB, ARGON2_PARALLELISM }) =>
      ARGON2_MEMORY_KIB < 8 * ARGON2_PARALLELISM
        ? 'ARGON2_MEMORY_KIB is less than 8 for each of ARGON2_PARALLELISM'
        : undefined,
  ),
]

/** @throws {ConfigError} naming every setting at fault. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  return loadConfig(ConfigSchema, env, rules)
}

/** The settings that are valid each for itself, and what is wrong with the others. */
export interface ReadSettings {
  readonly settings: Partial<Config>
  readonly errors: readonly string[]
  readonly contentDatabaseUrl: string | undefined
}

/** Reads as much as can be read, for whoever looks what is wrong. */
export function readSettings(env: NodeJS.ProcessEnv = process.env): ReadSettings {
  const content = readOne({ CONTENT_DATABASE_URL: databaseUrls.CONTENT_DATABASE_URL }, env)
  const contentDatabaseUrl = content.settings['CONTENT_DATABASE_URL']
  const whole = errorsOf(() => readConfig(env))
  const valid: unknown = Object.assign(
    {},
    ...Object.entries(ConfigSchema.properties).map(
      ([name, property]) => readOne({ [name]: property }, env).settings,
    ),
  )
  return {
    settings: Value.Check(Type.Partial(ConfigSchema), valid) ? valid : {},
    errors: [...whole, ...content.errors],
    contentDatabaseUrl: typeof contentDatabaseUrl === 'string' ? contentDatabaseUrl : undefined,
  }
}

function readOne(properties: Record<string, TSchema>, env: NodeJS.ProcessEnv) {
  let settings: Readonly<Record<string, unknown>> = {}
  const errors = errorsOf(() => (settings = loadConfig(Type.Object(properties), env)))
  return { settings, errors }
}

function errorsOf(read: () => unknown): readonly string[] {
  try {
    read()
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.errors
    throw error
  }
}
