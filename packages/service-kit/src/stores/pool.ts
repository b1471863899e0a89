import pg from 'pg'
import { NOT_SET_UP } from './errors.ts'
import { isoTimeOf } from './iso-time.ts'

export interface PostgresOptions {
  readonly url: string
  /** Shown by pg_stat_activity. */
  readonly name: string
  readonly poolSize?: number
  /** For programs that change very much at once, while nobody waits for an answer: without timeouts. */
  readonly isPatient?: boolean
  /** What a `timestamptz` is read as: a `Date`, unless only its text in ISO 8601 is wanted, as answers tell it. */
  readonly times?: keyof typeof TYPES
}

const TYPES = { date: new pg.TypeOverrides(), text: new pg.TypeOverrides() }
// Counters here stay far below 2^53, where a number still holds every integer.
for (const types of Object.values(TYPES)) types.setTypeParser(pg.types.builtins.INT8, Number)
TYPES.text.setTypeParser(pg.types.builtins.TIMESTAMPTZ, isoTimeOf)

/** Waiting for a connection with its timeouts, and then for its answer make less than 2 s together. */
const CONNECT_MS = 1000
export const ANSWER_MS = 950
const LEAST_SET_MS = 50
const SETTINGS = {
  statement_timeout: '900ms',
  lock_timeout: '850ms',
  idle_in_transaction_session_timeout: '1000ms',
  // Whatever the server's defaults are: times in the form that the driver knows, and as they are answered.
  DateStyle: 'ISO',
  TimeZone: 'UTC',
}
const SET = Object.entries(SETTINGS).map(([name, value]) => `set_config('${name}', '${value}', false)`)

class TimedClient extends pg.Client {
  readonly begunAt = performance.now()
}

/** Not when the connection begins, where PgBouncer would refuse or ignore them. */
async function setUp(client: pg.ClientBase): Promise<void> {
  const spent = client instanceof TimedClient ? performance.now() - client.begunAt : 0
  const query = {
    text: `select ${SET.join(', ')}`,
    query_timeout: Math.max(CONNECT_MS - spent, LEAST_SET_MS),
  }
  try {
    await client.query(query)
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'not an Error'
    throw new Error(`${NOT_SET_UP}: ${reason}`, { cause: error })
  }
}
const IN_TIME = { query_timeout: ANSWER_MS, Client: TimedClient, onConnect: setUp }

/** Connections with timeouts that answer a request within 2 s whatever the database does; bigints are numbers. */
export function poolOptions({
  url,
  name,
  poolSize = 10,
  isPatient,
  times = 'date',
}: PostgresOptions): pg.PoolConfig {
  return {
    ...(isPatient ? {} : IN_TIME),
    connectionString: url,
    application_name: name,
    max: poolSize,
    connectionTimeoutMillis: CONNECT_MS,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    types: TYPES[times],
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
