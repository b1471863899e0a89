import { randomUUID } from 'node:crypto'
import { Kysely, PostgresDialect } from 'kysely'
import t from 'tap'
import type { UserChange, UserChanges } from '@portcullis/schemas'
import { createPool } from '@portcullis/service-kit'
import { createDatabase, race } from '@portcullis/test-kit'
import type { DB } from '../src/database/tables.ts'
import { applyChanges, findChangesCursor } from '../src/authors/apply.ts'
import { purgeDeletedAuthors } from '../src/authors/purge.ts'
import { until } from './support/until.ts'

const pool = createPool({ url: await createDatabase(t, 'content'), name: 'test' })
const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) })
t.teardown(() => pool.end())

let seq = 0
/** An answer that tells this of one user. */
function answer(user_id: string, told: Partial<UserChange>): UserChanges {
  seq += 1
  const item = { seq, user_id, username: 'ada', deleted: false, at: '2026-11-21T09:30:00.000Z', ...told }
  return { items: [item], next: `changes.1.${seq}`, more: false, snapshot: null }
}

/** Who is known here already. */
async function known(): Promise<string> {
  const id = randomUUID()
  await applyChanges(db, await findChangesCursor(db), answer(id, {}))
  return id
}

t.test(
  'what a user has written before their deletion goes, whatever is told of them afterwards',
  async (t) => {
    const id = await known()
    await db.insertInto('posts').values({ author_id: id, title: 'a', description: '' }).execute()
    for (const deleted of [true, false])
      await applyChanges(db, await findChangesCursor(db), answer(id, { deleted }))
    await purgeDeletedAuthors(db)
    t.strictSame(await db.selectFrom('posts').select('id').where('author_id', '=', id).execute(), [])
  },
)

t.test('of two answers to one question that are applied at once one takes effect', async (t) => {
  const id = await known()
  const from = await findChangesCursor(db)
  const answers = ['one', 'two'].map((username) => answer(id, { username }))
  const holder = await pool.connect()
  t.teardown(() => holder.release())
  await holder.query('begin')
  await holder.query('select from authors where id = $1 for update', [id])
  const applied = race(2, async (n) => {
    const given = answers[n]
    return given !== undefined && (await applyChanges(db, from, given)) ? given : undefined
  })
  await until(async () => {
    const { rowCount } = await pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rowCount === 2
  })
  await holder.query('commit')
  const effective = (await applied).flatMap((result) =>
    result.status === 'fulfilled' && result.value !== undefined ? [result.value] : [],
  )
  t.equal(effective.length, 1)
  t.equal((await findChangesCursor(db)).cursor, effective[0]?.next)
  const { username } = await db
    .selectFrom('authors')
    .select('username')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  t.equal(username, effective[0]?.items[0]?.username)
})
