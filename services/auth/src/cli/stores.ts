import { Kysely, PostgresDialect } from 'kysely'
import {
  connectRedis,
  createPool,
  raiseTopics,
  untilRedisReady,
  type RedisClient,
} from '@portcullis/service-kit'
import type { DB } from '../database/tables.ts'
import { createTransact, type Outcome } from '../database/transaction.ts'
import { dropSessions } from '../sessions/mirror.ts'
import { topicsOf } from '../users/cache.ts'
import type { UserStores } from '../users/stores.ts'

/** What a command reaches, besides auth's database, as far as it is told where that is. */
export interface StoreConfig {
  readonly DATABASE_URL: string
  /** With it instances see at once what a command changed, and not only when their cached answers are old. */
  readonly CACHE_REDIS_URL?: string
  /** With it sessions that end are shown no more. */
  readonly SESSION_REDIS_URL?: string
}

export type Stores = UserStores

/**
 * Runs `work` on auth's stores and closes its connections afterwards.
 *
 * @param options.isPatient whether it may take long, as what changes very much at once does
 */
export async function withStores<T>(
  config: StoreConfig,
  work: (stores: Stores) => Promise<T>,
  { isPatient = false }: { readonly isPatient?: boolean } = {},
): Promise<T> {
  const pool = createPool({ url: config.DATABASE_URL, name: 'portcullis', poolSize: 2, isPatient })
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) })
  const afterCommit = async (outcome: Outcome<unknown>) => raise(config.CACHE_REDIS_URL, topicsOf(outcome))
  try {
    return await work({
      db,
      transact: createTransact(pool, { afterCommit }),
      now: () => Date.now(),
      sessionMirror: {
        drop: (userId, ids) => onRedis(config.SESSION_REDIS_URL, (redis) => dropSessions(redis, userId, ids)),
      },
    })
  } finally {
    await pool.end()
  }
}

/** Makes cached answers void. What Redis cannot be told is forgotten by itself soon. */
export async function raise(url: string | undefined, topics: readonly string[]): Promise<void> {
  if (topics.length > 0)
    await onRedis(url, async (redis) => {
      await raiseTopics(redis, 'auth', topics)
    })
}

async function onRedis(url: string | undefined, work: (redis: RedisClient) => Promise<void>): Promise<void> {
  if (url === undefined) return
  const redis = connectRedis(url, { name: 'portcullis' })
  try {
    if (await untilRedisReady(redis)) await work(redis)
  } finally {
    redis.disconnect()
  }
}
