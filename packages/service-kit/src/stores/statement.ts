import { createHash } from 'node:crypto'
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
  type Compilable,
  type CompiledQuery,
  type RawBuilder,
} from 'kysely'

import type { QueryResultRow } from 'pg'
import { Pipeline } from './pipeline.ts'
import { PooledKysely } from './prepared.ts'

/** Stands for an argument while a statement is built. */
export type Param<Args> = <Name extends keyof Args>(name: Name) => RawBuilder<Args[Name]>

class Place {
  readonly name: PropertyKey

  constructor(name: PropertyKey) {
    this.name = name
  }
}

/** Kysely, one of its transactions, or a pipeline; see there for which statements that is meant. */
type Executor = Pick<Kysely<unknown>, 'executeQuery'> | Pipeline

/** A statement whose text is made once, and prepared once a connection. */
export class Statement<Args extends object, Row extends QueryResultRow> {
  readonly #query: CompiledQuery<Row>
  /** Under which PostgreSQL keeps it on each connection. */
  readonly #name: string

  constructor(query: CompiledQuery<Row>) {
    this.#query = query
    this.#name = createHash('sha256').update(query.sql).digest('base64url').slice(0, 20)
  }

  async all(db: Executor, args: Args): Promise<Row[]> {
    const values = this.#values(args)
    if (db instanceof Pipeline || db instanceof PooledKysely)
      return db.query({ name: this.#name, text: this.#query.sql, values })
    const { rows } = await db.executeQuery<Row>({ ...this.#query, parameters: values })
    return rows
  }

  async first(db: Executor, args: Args): Promise<Row | undefined> {
    const [row] = await this.all(db, args)
    return row
  }

  /** @throws Error if there is no row. */
  async one(db: Executor, args: Args): Promise<Row> {
    const row = await this.first(db, args)
    if (row === undefined) throw new Error('the statement gave no row')
    return row
  }

  #values(args: Args): unknown[] {
    return this.#query.parameters.map((value): unknown =>
      value instanceof Place ? Reflect.get(args, value.name) : value,
    )
  }
}

/**
 * A statement built with Kysely once rather than on each use, which costs more than the rest of a request:
 *
 *     const byId = statement((db: Kysely<DB>, param: Param<{ id: string }>) =>
 *       db.selectFrom('tasks').select('title').where('id', '=', param('id')))
 *     await byId.first(db, { id })
 */
export function statement<DB, Args extends object, Row extends QueryResultRow>(
  build: (db: Kysely<DB>, param: Param<Args>) => Compilable<Row>,
): Statement<Args, Row> {
  const builder = new Kysely<DB>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })
  const param: Param<Args> = (name) => sql`${new Place(name)}`
  return new Statement(build(builder, param).compile())
}
