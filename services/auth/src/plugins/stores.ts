import { randomUUID } from 'node:crypto'
import type {} from '@fastify/postgres'
import fp from 'fastify-plugin'
import type { Kysely } from 'kysely'
import type { RevocationEvent } from '@portcullis/schemas'
import { postgres } from '@portcullis/service-kit'
import type { Config } from '../config.ts'
import type { DB } from '../database/tables.ts'
import { createTransact, type Transact } from '../database/transaction.ts'
import { createEndSession, type EndSession } from '../sessions/end-together.ts'
import { topicsOf } from '../users/cache.ts'

/** `app.db`, `app.transact` and `app.endTogether`: auth's database. What a transaction makes void in the cache is void when it returns. */
export default fp<{ config: Config }>(
  async (app, { config }) => {
    await app.register(postgres, {
      url: config.DATABASE_URL,
      name: 'portcullis-auth',
      poolSize: config.DATABASE_POOL_SIZE,
    })
    const listeners = new Set<(events: readonly RevocationEvent[]) => void>()
    app.decorate('revokedListeners', listeners)
    const revoking = {
      sender: randomUUID(),
      onRevoked: (events: readonly RevocationEvent[]) => listeners.forEach((listener) => listener(events)),
    }
    app.decorate('revocationSender', revoking.sender)
    app.decorate(
      'transact',
      createTransact(app.pg.pool, {
        ...revoking,
        afterCommit: async (outcome) => {
          const topics = topicsOf(outcome)
          if (topics.length > 0) await app.cache.raise(...topics)
        },
      }),
    )
    app.decorate('endTogether', createEndSession(app.pg.pool, revoking))
  },
  { name: 'stores', fastify: '5.x', dependencies: ['cache'] },
)

declare module 'fastify' {
  interface FastifyInstance {
    db: Kysely<DB>
    transact: Transact
    endTogether: EndSession
    /** Called at once when this instance has committed revocations, in the order of the log. */
    revokedListeners: Set<(events: readonly RevocationEvent[]) => void>
    /** By which the other instances and this one tell their commits of revocations apart. */
    revocationSender: string
  }
}
