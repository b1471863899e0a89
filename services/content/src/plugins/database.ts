import type { Kysely } from 'kysely'
import fp from 'fastify-plugin'
import { postgres } from '@portcullis/service-kit'
import type { Config } from '../config.ts'
import type { DB } from '../database/tables.ts'

/** `app.db`: content's own database. */
export default fp<Pick<Config, 'DATABASE_URL' | 'DATABASE_POOL_SIZE'>>(
  async (app, config) => {
    await app.register(postgres, {
      url: config.DATABASE_URL,
      name: 'content',
      poolSize: config.DATABASE_POOL_SIZE,
    })
  },
  { name: 'database', fastify: '5.x' },
)

declare module 'fastify' {
  interface FastifyInstance {
    db: Kysely<DB>
  }
}
