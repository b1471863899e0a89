import pg from 'pg'

export interface PostgresOptions {
  readonly url: string
  /** Shown by pg_stat_activity. */
  readonly name: string
  readonly poolSize?: number
  /** For programs that change very much at once, while nobody waits for an answer: without timeouts. */
  readonly isPatient?: boolean
}

const types = new pg.TypeOverrides()
// Counters here stay far below 2^53, where a number still holds every integer.
types.setTypeParser(pg.types.builtins.INT8, Number)

/** Waiting for a connection, a second at most, and then for its answer make less than 2 s together. */
const TIMEOUTS = {
  statement_timeout: 900,
  query_timeout: 950,
  lock_timeout: 850,
  idle_in_transaction_session_timeout: 1000,
}

/** Connections with timeouts that answer a request within 2 s whatever the database does; bigints are numbers. */
export function poolOptions({ url, name, poolSize = 10, isPatient }: PostgresOptions): pg.PoolConfig {
  return {
    ...(isPatient ? {} : TIMEOUTS),
    connectionString: url,
    application_name: name,
    max: poolSize,
    connectionTimeoutMillis: 1000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    types,
  }
}

/**
 * Hears the errors of the pool and of each of its connections, of those in use too: an error that nobody hears
 * would end the process. Queries fail by themselves, and the pool drops connections that broke.
 */
export function hearErrors(pool: pg.Pool, onError: (error: Error) => void = () => undefined): void {
  pool.on('error', onError)
  pool.on('connect', (client) => {
    client.on('error', () => undefined)
  })
}

/** A pool outside of a service, for programs that administer it. Whoever made it ends it. */
export function createPool(options: PostgresOptions): pg.Pool {
  const pool = new pg.Pool(poolOptions(options))
  hearErrors(pool)
  return pool
}
