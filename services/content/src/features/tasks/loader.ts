import DataLoader from 'dataloader'
import { sql, type Kysely, type RawBuilder } from 'kysely'
import { statement, type Executor, type Param } from '@portcullis/service-kit'
import type { DB } from '../../database/tables.ts'
import { COLUMNS, type OwnTask, type TaskRow } from './queries.ts'

/** Tasks looked up by one statement at most: few enough that it is a short one. */
const LIMIT = 100

interface Given extends OwnTask {
  /** Its place among those that are looked up, from 1. */
  readonly n: number
}

/**
 * In a subquery, so that PostgreSQL does not see how many there are: a plan for a few would always seem cheaper than one
 * that is kept, and be made again for each statement, which takes 50 µs.
 */
const uuids = (list: RawBuilder<string[]>) => sql`(select ${list}::uuid[])`

const findTasks = statement((db: Kysely<DB>, param: Param<{ ids: string[]; ownerIds: string[] }>) =>
  db
    .selectFrom(
      sql<Given>`unnest(${uuids(param('ids'))}, ${uuids(param('ownerIds'))}) with ordinality`.as<'given'>(
        sql`given (id, "ownerId", n)`,
      ),
    )
    // The limit keeps it a look-up by id for each, whatever PostgreSQL believes of the size of the table.
    .innerJoinLateral(
      (given) =>
        given
          .selectFrom('tasks')
          .select(COLUMNS)
          .whereRef('tasks.id', '=', 'given.id')
          .whereRef('tasks.owner_id', '=', 'given.ownerId')
          .limit(1)
          .as('task'),
      (join) => join.onTrue(),
    )
    .selectAll('task')
    .select('given.n'),
)

/** Finds a task of an owner, and undefined where there is none. */
export type TaskLoader = DataLoader<OwnTask, TaskRow | undefined>

/** Looks up together, by one statement, all tasks that are asked for in one turn of the event loop. Keeps nothing. */
export function taskLoader(db: Executor): TaskLoader {
  const findAll = async (tasks: readonly OwnTask[]): Promise<(TaskRow | undefined)[]> => {
    const ids = tasks.map(({ id }) => id)
    const ownerIds = tasks.map(({ ownerId }) => ownerId)
    const rows = await findTasks.all(db, { ids, ownerIds })
    const found = new Map(rows.map((row) => [row.n, row]))
    return tasks.map((_, index) => found.get(index + 1))
  }
  return new DataLoader(findAll, { cache: false, maxBatchSize: LIMIT, batchScheduleFn: setImmediate })
}
