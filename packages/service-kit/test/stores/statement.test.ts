import { Kysely, PostgresDialect, sql } from 'kysely'
import t from 'tap'
import { createPool, Pipeline, statement, statements, type Given, type Param } from '@portcullis/service-kit'
import { createDatabase, race } from '@portcullis/test-kit'

interface DB {
  tasks: { id: string; title: string }
}

const url = await createDatabase(t, 'content')
const pool = createPool({ url, name: 'test' })
t.teardown(() => pool.end())
const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) })

const echo = statement((db: Kysely<DB>, param: Param<{ n: number; text: string }>) =>
  db.selectNoFrom([
    sql<number>`${param('n')}::int`.as('n'),
    sql<string>`${param('text')}::text`.as('text'),
    sql<string>`${'fixed'}::text`.as('fixed'),
    sql<number>`${param('n')}::int + 1`.as('next'),
  ]),
)
const divide = statement((db: Kysely<DB>, param: Param<{ by: number }>) =>
  db.selectNoFrom(sql<number>`10 / ${param('by')}::int`.as('n')),
)
const pause = statement((db: Kysely<DB>, param: Param<{ seconds: number }>) =>
  db.selectNoFrom(sql<string>`pg_sleep(${param('seconds')})::text`.as('done')),
)
const kill = statement((db: Kysely<DB>, param: Param<{ name: string }>) =>
  db.selectNoFrom(
    sql<number>`(select count(pg_terminate_backend(pid)) from pg_stat_activity
      where application_name = ${param('name')})`.as('killed'),
  ),
)

t.test('a statement takes other arguments on each use, also in a transaction', async (t) => {
  const expected = (n: number) => ({ n, text: `text ${n}`, fixed: 'fixed', next: n + 1 })
  for (const n of [1, 2]) t.strictSame(await echo.first(db, { n, text: `text ${n}` }), expected(n))
  await db.transaction().execute(async (trx) => {
    t.strictSame(await echo.all(trx, { n: 3, text: 'text 3' }), [expected(3)])
  })
})

t.test('a statement that has to give a row and gives none is an error', async (t) => {
  t.match(await echo.one(db, { n: 1, text: 'one' }), { n: 1 })
  const none = statement((db: Kysely<DB>) =>
    db.selectNoFrom(sql<number>`1`.as('n')).where(sql<boolean>`false`),
  )
  await t.rejects(none.one(db, {}), { message: 'the statement gave no row' })
})

t.test('arguments that are left out leave out what they are for', async (t) => {
  const tasks = sql<{ id: number }>`(select n as id from generate_series(1, 9) n)`.as('tasks')
  const list = statements(
    (db: Kysely<DB>, { has, param }: Given<{ above?: number | undefined; below?: number | undefined }>) => {
      let query = db.selectFrom(tasks).select('tasks.id')
      if (has('above')) query = query.where('tasks.id', '>', param('above'))
      if (has('below')) query = query.where('tasks.id', '<', param('below'))
      return query
    },
  )
  const idsOf = async (args: { above?: number | undefined; below?: number | undefined }) =>
    (await list(db, args)).map(({ id }) => id).join('')
  for (let use = 1; use <= 2; use++) {
    t.equal(await idsOf({}), '123456789')
    t.equal(await idsOf({ above: 3, below: 6 }), '45')
    t.equal(await idsOf({ below: 3, above: 1 }), '2')
    t.equal(await idsOf({ above: undefined, below: 4 }), '123')
    t.equal(await idsOf({ above: use + 6 }), use === 1 ? '89' : '9')
  }
})

t.test('statements that are under way together are each given their own answer', async (t) => {
  const pipeline = new Pipeline({ url, name: 'together' })
  t.teardown(() => pipeline.close())
  const answers = await race(200, (n) => echo.first(pipeline, { n, text: `text ${n}` }))
  for (const [n, answer] of answers.entries()) t.match(answer, { value: { n, text: `text ${n}` } })
})

t.test('an error of one leaves the others alone', async (t) => {
  const pipeline = new Pipeline({ url, name: 'errors' })
  t.teardown(() => pipeline.close())
  const answers = await race(20, (n) => divide.first(pipeline, { by: n % 2 }))
  for (const [n, answer] of answers.entries())
    t.match(answer, n % 2 === 1 ? { value: { n: 10 } } : { reason: { code: '22012' } })
})

t.test('after its connections broke a pipeline opens others', async (t) => {
  const pipeline = new Pipeline({ url, name: 'broken' })
  t.teardown(() => pipeline.close())
  await pipeline.warm()
  const waiting = race(4, () => pause.first(pipeline, { seconds: 0.8 }))
  await kill.first(db, { name: 'broken' })
  for (const answer of await waiting) t.match(answer, { status: 'rejected' })
  t.match(await divide.first(pipeline, { by: 5 }), { n: 2 })
})

t.test('a statement that takes too long is given up, and what was behind it is answered', async (t) => {
  const pipeline = new Pipeline({ url, name: 'slow' })
  t.teardown(() => pipeline.close())
  const began = performance.now()
  await t.rejects(pause.first(pipeline, { seconds: 30 }))
  t.match(await divide.first(pipeline, { by: 5 }), { n: 2 })
  t.ok(performance.now() - began < 2000)
})
