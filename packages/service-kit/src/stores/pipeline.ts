import pg from 'pg'
import { hearErrors, poolOptions, type PostgresOptions } from './pool.ts'

/** Two, so that what is slow on one does not hold up everything. */
const LANES = 2

/**
 * Connections on which a statement is sent without waiting for the answers to those before it (libpq calls it
 * pipeline mode). For single statements that find what they read by an index and wait for no lock: what is slow holds up
 * those behind it, and nothing else does.
 */
export class Pipeline {
  readonly #pool: pg.Pool
  readonly #lanes: readonly Lane[]

  constructor(options: PostgresOptions) {
    this.#pool = new pg.Pool({ ...poolOptions({ ...options, poolSize: LANES }), pipeline: true })
    hearErrors(this.#pool)
    this.#lanes = Array.from({ length: LANES }, () => new Lane(this.#pool))
  }

  /** Opens the connections ahead of the first statement. Where the database is away, that statement tries again. */
  async warm(): Promise<void> {
    await Promise.allSettled(this.#lanes.map((lane) => lane.connect()))
  }

  /** @throws what pg throws; a connection that broke, or did not answer in time, is replaced by the next statement. */
  query<Row extends pg.QueryResultRow>(query: pg.QueryConfig<unknown[]>): Promise<Row[]> {
    return this.#lanes
      .reduce((best, other) => (other.waiting < best.waiting ? other : best))
      .query<Row>(query)
  }

  async close(): Promise<void> {
    for (const lane of this.#lanes) lane.close()
    await this.#pool.end()
  }
}

/** One connection at a time, and after it broke another. */
class Lane {
  readonly #pool: pg.Pool
  #client: pg.PoolClient | undefined
  #connecting: Promise<pg.PoolClient> | undefined
  /** Statements that wait for their answers. */
  waiting = 0

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async query<Row extends pg.QueryResultRow>(query: pg.QueryConfig<unknown[]>): Promise<Row[]> {
    this.waiting += 1
    try {
      const client = this.#client ?? (await this.connect())
      return (await client.query<Row>(query)).rows
    } finally {
      this.waiting -= 1
    }
  }

  connect(): Promise<pg.PoolClient> {
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined))
    return this.#connecting
  }

  close(): void {
    this.#client?.release()
    this.#client = undefined
  }

  async #connect(): Promise<pg.PoolClient> {
    const client = await this.#pool.connect()
    const drop = () => {
      if (this.#client !== client) return
      this.#client = undefined
      client.release(true)
    }
    client.once('error', drop)
    client.once('end', drop)
    this.#client = client
    return client
  }
}
