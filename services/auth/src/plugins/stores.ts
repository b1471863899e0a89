import type {} from '@fastify/postgres'
import fp from 'fastify-plugin'
import type { Kysely } from 'kysely'
import { postgres } from '@portcullis/service-kit'
import type { Config } from '../config.ts'
import type { DB } from '../database/tables.ts'
import { createTransact, type Transact } from '../database/transaction.ts'

/** `app.db` and `app.transact`: auth's database. */
export default fp<{ config: Config }>(
  async (app, { config }) => {
    await app.register(postgres, {
      url: config.DATABASE_URL,
      name: 'portcullis-auth',
      poolSize: config.DATABASE_POOL_SIZE,
    })
    app.decorate('transact', createTransact(app.pg.pool))
  },
  { name: 'stores', fastify: '5.x' },
)

declare module 'fastify' {
  interface FastifyInstance {
    db: Kysely<DB>
    transact: Transact
  }
}
