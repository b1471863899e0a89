import type { Kysely } from 'kysely'
import fp from 'fastify-plugin'
import { Pipeline, postgres, type PostgresOptions } from '@portcullis/service-kit'
import type { Config } from '../config.ts'
import type { DB } from '../database/tables.ts'

/** `app.db`: content's own database; `app.reads`: two more connections, for single statements that read by an index. */
export default fp<Pick<Config, 'DATABASE_URL' | 'DATABASE_POOL_SIZE'>>(
  async (app, config) => {
    const options: PostgresOptions = {
      url: config.DATABASE_URL,
      name: 'content',
      poolSize: config.DATABASE_POOL_SIZE,
      times: 'text',
    }
    await app.register(postgres, options)
    const reads = new Pipeline(options)
    app.decorate('reads', reads)
    app.addHook('onReady', () => reads.warm())
    app.addHook('onClose', () => reads.close())
  },
  { name: 'database', fastify: '5.x' },
)

declare module 'fastify' {
  interface FastifyInstance {
    db: Kysely<DB>
    reads: Pipeline
  }
}
