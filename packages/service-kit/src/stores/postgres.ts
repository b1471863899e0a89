import fp from 'fastify-plugin'
import fastifyPostgres from '@fastify/postgres'
import { hearErrors, poolOptions, type PostgresOptions } from './pool.ts'
import { PooledKysely } from './prepared.ts'

/**
 * `app.pg` (@fastify/postgres) and `app.db`, Kysely over its pool, with timeouts that answer a request within
 * 2 s whatever the database does, and the readiness check `postgres`. The service declares the type of `db`:
 *
 *     declare module 'fastify' {
 *       interface FastifyInstance { db: Kysely<Database> }
 *     }
 */
export default fp<PostgresOptions>(
  async (app, options) => {
    await app.register(fastifyPostgres, poolOptions(options))
    hearErrors(app.pg.pool, (error) => app.log.warn({ err: error }, 'a connection to the database broke'))
    // Never destroyed: @fastify/postgres ends the pool when the app closes.
    app.decorate('db', new PooledKysely<unknown>(app.pg.pool))
    app.health.add('postgres', async () => {
      await app.pg.query('select 1')
    })
  },
  { name: 'postgres', fastify: '5.x', dependencies: ['health'] },
)
