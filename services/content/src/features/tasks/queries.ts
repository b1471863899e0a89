import { sql, type Kysely, type Selectable } from 'kysely'
import type { Task, TaskBody, TaskStatus, UpdateTaskBody } from '@portcullis/schemas'
import { statement, statements, type Given, type Param } from '@portcullis/service-kit'
import type { DB, Tasks } from '../../database/tables.ts'
import { insertForAuthor, type Writer } from '../authors/queries.ts'

const COLUMNS = [
  'tasks.id',
  'tasks.title',
  'tasks.description',
  'tasks.status',
  'tasks.due_at',
  'tasks.version',
  'tasks.created_at',
  'tasks.updated_at',
] as const

export type TaskRow = Pick<
  Selectable<Tasks>,
  'id' | 'title' | 'description' | 'status' | 'due_at' | 'version' | 'created_at' | 'updated_at'
>

/** A task of one owner: whatever is done with it touches no other's. */
export interface OwnTask {
  readonly id: string
  readonly ownerId: string
}

export interface TaskChange extends OwnTask {
  /** The versions that may be changed; any, if undefined. */
  readonly versions: readonly number[] | undefined
  /** The versions that may not. */
  readonly except: readonly number[]
}

export interface TaskFilter {
  readonly ownerId: string
  readonly status?: TaskStatus | undefined
  /** As `inUtc` writes it. */
  readonly dueBefore?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

export function toTask(row: TaskRow): Task {
  return {
    id: row.id,
    title: row.title,
    description: row.description,
    status: row.status,
    due_at: row.due_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

export const taskById = statement((db: Kysely<DB>, param: Param<OwnTask>) =>
  db
    .selectFrom('tasks')
    .select(COLUMNS)
    .where('id', '=', param('id'))
    .where('owner_id', '=', param('ownerId')),
)

/** Newest first, those with ids below `before`. */
export const listTasks = statements((db: Kysely<DB>, { has, param }: Given<TaskFilter>) => {
  let query = db
    .selectFrom('tasks')
    .select(COLUMNS)
    .where('owner_id', '=', param('ownerId'))
    .orderBy('id', 'desc')
    .limit(param('limit'))
  if (has('status')) query = query.where('status', '=', param('status'))
  if (has('dueBefore')) query = query.where('due_at', '<', sql<Date>`${param('dueBefore')}::timestamptz`)
  if (has('before')) query = query.where('id', '<', param('before'))
  return query
})

const taskInsert = statement((db: Kysely<DB>, param: Param<Required<TaskBody> & { ownerId: string }>) =>
  db
    .with(
      // The lock makes a deletion of the user wait for this insert, or this insert see it.
      (cte) => cte('owner').materialized(),
      (cte) =>
        cte
          .selectFrom('authors')
          .select('id')
          .where('id', '=', param('ownerId'))
          .where('deleted', '=', false)
          .forShare(),
    )
    .insertInto('tasks')
    .columns(['owner_id', 'title', 'description', 'status', 'due_at'])
    .expression((values) =>
      values
        .selectFrom('owner')
        .select([
          'owner.id',
          sql<string>`${param('title')}::text`.as('title'),
          sql<string>`${param('description')}::text`.as('description'),
          sql<TaskStatus>`${param('status')}::text`.as('status'),
          sql<Date | null>`${param('due_at')}::timestamptz`.as('due_at'),
        ]),
    )
    .returning(COLUMNS),
)

/** @throws {ProblemError} AUTH_TOKEN_INVALID if the owner has been deleted. */
export async function insertTask(db: Kysely<DB>, writer: Writer, body: TaskBody): Promise<TaskRow> {
  const args = { ...wholeTask(body), ownerId: writer.id }
  return insertForAuthor(db, writer, () => taskInsert.first(db, args))
}

/** What is not in the body gets its default, as in a new task. */
export async function replaceTask(
  db: Kysely<DB>,
  change: TaskChange,
  body: TaskBody,
): Promise<TaskRow | undefined> {
  return updateTask(db, change, wholeTask(body))
}

export async function updateTask(
  db: Kysely<DB>,
  { id, ownerId, versions, except }: TaskChange,
  { due_at, ...body }: UpdateTaskBody,
): Promise<TaskRow | undefined> {
  let query = db
    .updateTable('tasks')
    .set({
      ...body,
      ...(due_at !== undefined && { due_at: due_at && inUtc(due_at) }),
      version: sql`version + 1`,
      updated_at: sql`now()`,
    })
    .where('id', '=', id)
    .where('owner_id', '=', ownerId)
    .returning(COLUMNS)
  if (versions !== undefined) query = query.where(isVersion(versions))
  if (except.length > 0) query = query.where(sql<boolean>`not ${isVersion(except)}`)
  return query.executeTakeFirst()
}

export async function deleteTask(
  db: Kysely<DB>,
  { id, ownerId, versions, except }: TaskChange,
): Promise<TaskRow | undefined> {
  let query = db.deleteFrom('tasks').where('id', '=', id).where('owner_id', '=', ownerId).returning(COLUMNS)
  if (versions !== undefined) query = query.where(isVersion(versions))
  if (except.length > 0) query = query.where(sql<boolean>`not ${isVersion(except)}`)
  return query.executeTakeFirst()
}

function isVersion(versions: readonly number[]) {
  return sql<boolean>`tasks.version = any(${versions}::bigint[])`
}

function wholeTask({
  title,
  description = '',
  status = 'todo',
  due_at = null,
}: TaskBody): Required<TaskBody> {
  return { title, description, status, due_at: due_at && inUtc(due_at) }
}

/**
 * In milliseconds, as it will be answered: PostgreSQL would round what is finer, and refuse some offsets. A `Date` would
 * be written in local time with an offset of whole minutes, which those of early years are not.
 */
export function inUtc(time: string): string {
  return new Date(time).toISOString()
}
