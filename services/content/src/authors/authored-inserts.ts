import { sql, type Kysely, type QueryCreator } from 'kysely'
import type { QueryResultRow } from 'pg'
import { databaseFailure, Gatherer, type Param, type Statement } from '@portcullis/service-kit'
import type { DB } from '../database/tables.ts'
import { insertForAuthor, type Writer } from './queries.ts'

/** What is inserted by one statement. */
export interface Batch {
  /** A JSON array of objects with `n`, their place in it, `author_id`, and what else is inserted. */
  readonly rows: string
  /** Their authors. */
  readonly authors: readonly string[]
}

/** Makes the statement that inserts the rows whose authors `lockedAuthors` gives, and gives each with its `n`. */
type Build<Row extends QueryResultRow> = (wait: LockWait) => Statement<Batch, Row & { readonly n: number }>

/** Whether the row of an author that somebody else is changing is waited for, or skipped. */
export type LockWait = 'wait' | 'skip'

/**
 * The authors who are there, for `Build`. The locks make a deletion of a user wait for this insert, or this insert see it.
 */
export function lockedAuthors(db: QueryCreator<DB>, param: Param<Batch>, wait: LockWait) {
  const locked = db
    .selectFrom('authors')
    .select(['id', 'username', 'version'])
    .where('id', '=', sql<string>`any(${param('authors')}::uuid[])`)
    .where('deleted', '=', false)
    .forShare()
  return wait === 'skip' ? locked.skipLocked() : locked
}

interface Item<Values> {
  readonly authorId: string
  readonly values: Values
}

/**
 * Inserts posts or tasks together with their authors' locks, in one statement and one commit with all that is to be
 * inserted at the same time. Nobody waits there for an author whom somebody else is changing: that is done alone.
 */
export class AuthoredInserts<Values extends object, Row extends QueryResultRow> {
  readonly #insertWaiting: Statement<Batch, Row & { readonly n: number }>
  readonly #gatherer: Gatherer<Item<Values>, Row | undefined>

  constructor(db: Kysely<DB>, build: Build<Row>) {
    const insertSkipping = build('skip')
    this.#insertWaiting = build('wait')
    this.#gatherer = new Gatherer({
      run: (items) => insertAll(insertSkipping, db, items),
      isEveryones: (error) => ['unavailable', 'lost'].includes(databaseFailure(error) ?? ''),
    })
  }

  /**
   * @param db a transaction, in which it is then done alone, or what this was made with.
   * @throws {TokenError} AUTH_TOKEN_INVALID if the author has been deleted
   * @throws {ProblemError} UNAVAILABLE
   */
  async insert(db: Kysely<DB>, writer: Writer, values: Values): Promise<Row> {
    const item = { authorId: writer.id, values }
    const row = db.isTransaction ? undefined : await this.#gatherer.do(item)
    if (row !== undefined) return row
    return insertForAuthor(db, writer, async () => (await insertAll(this.#insertWaiting, db, [item]))[0])
  }
}

/** Undefined for those who have no row, or one that was skipped. */
async function insertAll<Values extends object, Row extends QueryResultRow>(
  statement: Statement<Batch, Row & { readonly n: number }>,
  db: Kysely<DB>,
  items: readonly Item<Values>[],
): Promise<(Row | undefined)[]> {
  const rows = items.map(({ authorId, values }, n) => ({ ...values, n, author_id: authorId }))
  const authors = [...new Set(items.map(({ authorId }) => authorId))]
  const inserted = await statement.all(db, { rows: JSON.stringify(rows), authors })
  const found = new Map(inserted.map((row) => [row.n, row]))
  return rows.map(({ n }) => found.get(n))
}
