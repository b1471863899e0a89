import type {} from '@fastify/postgres'
import fp from 'fastify-plugin'
import type { Kysely } from 'kysely'
import type { RevocationEvent } from '@portcullis/schemas'
import { postgres } from '@portcullis/service-kit'
import type { Config } from '../config.ts'
import type { DB } from '../database/tables.ts'
import { createTransact, type Transact } from '../database/transaction.ts'
import { topicsOf } from '../users/cache.ts'

/** `app.db` and `app.transact`: auth's database. What a transaction makes void in the cache is void when it returns. */
export default fp<{ config: Config }>(
  async (app, { config }) => {
    await app.register(postgres, {
      url: config.DATABASE_URL,
      name: 'portcullis-auth',
      poolSize: config.DATABASE_POOL_SIZE,
    })
    const listeners = new Set<(event: RevocationEvent) => void>()
    app.decorate('revokedListeners', listeners)
    app.decorate(
      'transact',
      createTransact(app.pg.pool, {
        onRevoked: (event) => listeners.forEach((listener) => listener(event)),
        afterCommit: async (outcome) => {
          const topics = topicsOf(outcome)
          if (topics.length > 0) await app.cache.raise(...topics)
        },
      }),
    )
  },
  { name: 'stores', fastify: '5.x', dependencies: ['cache'] },
)

declare module 'fastify' {
  interface FastifyInstance {
    db: Kysely<DB>
    transact: Transact
    /** Called at once when this instance has committed a revocation. */
    revokedListeners: Set<(event: RevocationEvent) => void>
  }
}
