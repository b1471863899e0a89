import { sql, type Kysely, type Selectable } from 'kysely'
import type { Task, TaskBody, TaskStatus, UpdateTaskBody } from '@portcullis/schemas'
import { statement, statements, type Given, type Param } from '@portcullis/service-kit'
import type { DB, Tasks } from '../../database/tables.ts'
import { AuthoredInserts, lockedAuthors, type Batch, type LockWait } from '../../authors/authored-inserts.ts'

export const COLUMNS = [
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
    due_at: row.due_at,
    created_at: row.created_at,
    updated_at: row.updated_at,
  }
}

/** Newest first, those with ids below `before`. */
export const listTasks = statements((db: Kysely<DB>, { has, param }: Given<TaskFilter>) => {
  let query = db
    .selectFrom('tasks')
    .select(COLUMNS)
    .where('owner_id', '=', param('ownerId'))
    .orderBy('id', 'desc')
    .limit(param('limit'))
  if (has('status')) query = query.where('status', '=', param('status'))
  if (has('dueBefore')) query = query.where('due_at', '<', sql<string>`${param('dueBefore')}::timestamptz`)
  if (has('before')) query = query.where('id', '<', param('before'))
  return query
})

const taskInsert = (wait: LockWait) =>
  statement((db: Kysely<DB>, param: Param<Batch>) =>
    db
      .with('given', (cte) =>
        cte
          .selectFrom(
            sql<
              Required<TaskBody> & { n: number; author_id: string }
            >`jsonb_to_recordset(${param('rows')}::jsonb)`.as<'row'>(
              sql`row (n int, author_id uuid, title text, description text, status text, due_at timestamptz)`,
            ),
          )
          .innerJoin(lockedAuthors(cte, param, wait).as('author'), 'author.id', 'row.author_id')
          .selectAll('row'),
      )
      .mergeInto('tasks')
      .using('given', (join) => join.on(sql<boolean>`false`))
      .whenNotMatched()
      .thenInsertValues((source) => ({
        owner_id: source.ref('given.author_id'),
        title: source.ref('given.title'),
        description: source.ref('given.description'),
        status: source.ref('given.status'),
        due_at: source.ref('given.due_at'),
      }))
      .returning([...COLUMNS, 'given.n']),
  )

/** New tasks, those of one moment together. */
export function taskInserts(db: Kysely<DB>): AuthoredInserts<Required<TaskBody>, TaskRow> {
  return new AuthoredInserts(db, taskInsert)
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
  change: TaskChange,
  { due_at, ...body }: UpdateTaskBody,
): Promise<TaskRow | undefined> {
  return db
    .updateTable('tasks')
    .set({
      ...body,
      ...(due_at !== undefined && { due_at: due_at && inUtc(due_at) }),
      version: sql`version + 1`,
      updated_at: sql`now()`,
    })
    .where('id', '=', change.id)
    .where('owner_id', '=', change.ownerId)
    .where(isMeant(change))
    .returning(COLUMNS)
    .executeTakeFirst()
}

export async function deleteTask(db: Kysely<DB>, change: TaskChange): Promise<TaskRow | undefined> {
  return db
    .deleteFrom('tasks')
    .where('id', '=', change.id)
    .where('owner_id', '=', change.ownerId)
    .where(isMeant(change))
    .returning(COLUMNS)
    .executeTakeFirst()
}

/** The versions that the change is meant for. */
function isMeant({ versions, except }: TaskChange) {
  const only = versions === undefined ? sql<boolean>`true` : isVersion(versions)
  return except.length === 0 ? only : sql<boolean>`${only} and not ${isVersion(except)}`
}

function isVersion(versions: readonly number[]) {
  return sql<boolean>`tasks.version = any(${versions}::bigint[])`
}

export function wholeTask({
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
