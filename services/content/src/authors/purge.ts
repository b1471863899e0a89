import type { Kysely } from 'kysely'
import type { DB } from '../database/tables.ts'

/** So much is deleted in one statement, so that none takes long. */
const BATCH_SIZE = 500

/** Deletes what deleted users have written, and answers that were remembered for them. @returns of how many users. */
export async function purgeDeletedAuthors(db: Kysely<DB>): Promise<number> {
  const authors = await db
    .selectFrom('authors')
    .select('id')
    .where('purging', '=', true)
    .orderBy('id')
    .limit(100)
    .execute()
  for (const { id } of authors) {
    await inBatches(() => deletePosts(db, id))
    await inBatches(() => deleteTasks(db, id))
    await db.deleteFrom('idempotency_keys').where('owner', '=', id).execute()
    await db.updateTable('authors').set({ purging: false }).where('id', '=', id).execute()
  }
  return authors.length
}

async function deletePosts(db: Kysely<DB>, authorId: string): Promise<bigint> {
  const { numDeletedRows } = await db
    .deleteFrom('posts')
    .where('id', 'in', (posts) =>
      posts.selectFrom('posts').select('id').where('author_id', '=', authorId).limit(BATCH_SIZE),
    )
    .executeTakeFirst()
  return numDeletedRows
}

async function deleteTasks(db: Kysely<DB>, ownerId: string): Promise<bigint> {
  const { numDeletedRows } = await db
    .deleteFrom('tasks')
    .where('id', 'in', (tasks) =>
      tasks.selectFrom('tasks').select('id').where('owner_id', '=', ownerId).limit(BATCH_SIZE),
    )
    .executeTakeFirst()
  return numDeletedRows
}

async function inBatches(deleteSome: () => Promise<bigint>): Promise<void> {
  while ((await deleteSome()) >= BATCH_SIZE) continue
}
