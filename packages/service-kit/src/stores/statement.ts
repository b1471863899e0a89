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
import { PooledKysely, preparedName } from './prepared.ts'

/** Stands for an argument while a statement is built. */
export type Param<Args> = <Name extends keyof Args>(name: Name) => RawBuilder<Args[Name]>

class Place {
  readonly name: PropertyKey

  constructor(name: PropertyKey) {
    this.name = name
  }
}

const placeOf = (name: PropertyKey) => sql<never>`${new Place(name)}`

/** Kysely, one of its transactions, or a pipeline; see there for which statements that is meant. */
export type Executor = Pick<Kysely<unknown>, 'executeQuery'> | Pipeline

/** A statement whose text is made once, and prepared once a connection. */
export class Statement<Args extends object, Row extends QueryResultRow> {
  readonly #query: CompiledQuery<Row>
  /** Under which PostgreSQL keeps it on each connection. */
  readonly #name: string

  constructor(query: CompiledQuery<Row>) {
    this.#query = query
    this.#name = preparedName(query.sql)
  }

  /** Not async, like the pipeline: a promise of a promise takes 1 µs. */
  all(db: Executor, args: Args): Promise<Row[]> {
    const values = this.#values(args)
    if (db instanceof Pipeline || db instanceof PooledKysely)
      return db.query({ name: this.#name, text: this.#query.sql, values })
    return db.executeQuery<Row>({ ...this.#query, parameters: values }).then(({ rows }) => rows)
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
  return new Statement(build(builder, placeOf).compile())
}

/** Arguments of which some may be left out, while a statement is built for those that are given. */
export interface Given<Args> {
  readonly has: (name: keyof Args) => boolean
  /** Stands for an argument that is given. */
  readonly param: Param<{ readonly [Name in keyof Args]-?: Exclude<Args[Name], undefined> }>
}

/**
 * Statements that differ by which of their arguments are given, such as the filters of a list. Each is built when it is
 * first asked for:
 *
 *     const list = statements((db: Kysely<DB>, { has, param }: Given<{ status?: string }>) => {
 *       const every = db.selectFrom('tasks').select('title')
 *       return has('status') ? every.where('status', '=', param('status')) : every
 *     })
 *     await list(db, { status })
 */
export function statements<DB, Args extends object, Row extends QueryResultRow>(
  build: (db: Kysely<DB>, given: Given<Args>) => Compilable<Row>,
): (db: Executor, args: Args) => Promise<Row[]> {
  const made = new Map<string, Statement<Args, Row>>()
  return (db, args) => {
    const names = Object.keys(args).filter((name) => Reflect.get(args, name) !== undefined)
    const key = names.join(' ')
    const known =
      made.get(key) ??
      statement<DB, Args, Row>((db) =>
        build(db, { has: (name) => names.includes(String(name)), param: placeOf }),
      )
    made.set(key, known)
    return known.all(db, args)
  }
}
