import { sql, type Kysely } from 'kysely'
import t from 'tap'
import { createPool, statement, type Param } from '@portcullis/service-kit'
import { createDatabase } from '@portcullis/test-kit'
import { PooledKysely } from '../../src/stores/prepared.ts'

const pool = createPool({ url: await createDatabase(t, 'content'), name: 'test', poolSize: 1 })
const db = new PooledKysely<unknown>(pool)
t.teardown(() => pool.end())
const statements = async () => {
  const { rows } = await pool.query<{ statement: string }>(
    'select statement from pg_prepared_statements order by 1',
  )
  return rows.map(({ statement }) => statement)
}

t.test('a statement with parameters is prepared once, whatever its values', async (t) => {
  for (const n of [1, 2, 3]) {
    const { rows } = await sql<{ n: number }>`select ${n}::int as n`.execute(db)
    t.strictSame(rows, [{ n }])
  }
  t.strictSame(await statements(), ['select $1::int as n'])
})

t.test('a statement without parameters is not', async (t) => {
  await sql`select 1`.execute(db)
  await db.transaction().execute((trx) => sql`select 2`.execute(trx))
  t.equal((await statements()).length, 1)
})

t.test('a statement of code is one statement, in a transaction and without', async (t) => {
  const next = statement((db: Kysely<unknown>, param: Param<{ n: number }>) =>
    db.selectNoFrom(sql<number>`${param('n')}::int + 1`.as('next')),
  )
  t.strictSame(await next.all(db, { n: 1 }), [{ next: 2 }])
  await db.transaction().execute(async (trx) => {
    t.strictSame(await next.all(trx, { n: 2 }), [{ next: 3 }])
  })
  t.strictSame(await statements(), ['select $1::int + 1 as "next"', 'select $1::int as n'])
})

t.test('an error of a prepared statement leaves it usable', async (t) => {
  const divide = (by: number) => sql<{ n: number }>`select 10 / ${by}::int as n`.execute(db)
  await t.rejects(divide(0), { code: '22012' })
  t.strictSame((await divide(5)).rows, [{ n: 2 }])
})

t.test('statements of ever new texts do not pile up', async (t) => {
  for (let n = 0; n < 250; n++) await sql`select ${n}::int as ${sql.id(`n${n}`)}`.execute(db)
  t.equal((await statements()).length, 200)
})

t.test('a connection on which nothing comes back is not given to the next', async (t) => {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)
  const pid = rows[0]?.pid ?? 0
  process.kill(pid, 'SIGSTOP')
  t.teardown(() => process.kill(pid, 'SIGCONT'))
  await t.rejects(sql`select ${1}::int as n`.execute(db), { message: 'Query read timeout' })
  t.match(await sql`select ${2}::int as n`.execute(db), { rows: [{ n: 2 }] })
})
