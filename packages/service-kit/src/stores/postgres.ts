import fp from 'fastify-plugin'
import fastifyPostgres from '@fastify/postgres'
import { Kysely, PostgresDialect } from 'kysely'

export interface PostgresOptions {
  readonly url: string
  /** Shown by pg_stat_activity. */
  readonly name: string
  readonly poolSize?: number
}

/**
 * `app.pg` (@fastify/postgres) and `app.db`, Kysely over its pool, with timeouts that answer a request within
 * 2 s whatever the database does, and the readiness check `postgres`. The service declares the type of `db`:
 *
 *     declare module 'fastify' {
 *       interface FastifyInstance { db: Kysely<Database> }
 *     }
 */
export default fp<PostgresOptions>(
  async (app, { url, name, poolSize = 10 }) => {
    await app.register(fastifyPostgres, {
      connectionString: url,
      application_name: name,
      max: poolSize,
      connectionTimeoutMillis: 1000,
      idleTimeoutMillis: 60_000,
      statement_timeout: 1500,
      query_timeout: 1800,
      lock_timeout: 1000,
      idle_in_transaction_session_timeout: 5000,
      keepAlive: true,
    })
    // An idle connection that breaks is dropped from the pool; without a listener it would end the process.
    app.pg.pool.on('error', (error) => {
      app.log.warn({ err: error }, 'a connection to the database broke')
    })
    // Never destroyed: @fastify/postgres ends the pool when the app closes.
    app.decorate('db', new Kysely<unknown>({ dialect: new PostgresDialect({ pool: app.pg.pool }) }))
    app.health.add('postgres', async () => {
      await app.pg.query('select 1')
    })
  },
  { name: 'postgres', fastify: '5.x', dependencies: ['health'] },
)
