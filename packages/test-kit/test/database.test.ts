import pg from 'pg'
import t from 'tap'
import { createDatabase } from '@portcullis/test-kit'

async function names(): Promise<string[]> {
  const client = new pg.Client({ connectionString: process.env['TEST_POSTGRES_URL'] })
  await client.connect()
  const { rows } = await client.query<{ datname: string }>('SELECT datname FROM pg_database')
  await client.end()
  return rows.map((row) => row.datname)
}

t.test(
  'each call makes a database of its own, which is dropped after the test, connections or not',
  async (t) => {
    const made: string[] = []
    await t.test('inside', async (t) => {
      for (const service of ['auth', 'content'] as const) {
        const url = await createDatabase(t, service)
        made.push(new URL(url).pathname.slice(1))
        const client = new pg.Client({ connectionString: url })
        client.on('error', () => undefined)
        await client.connect()
        const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name')
        t.equal(rows[0]?.name, made.at(-1))
      }
    })
    const left = await names()
    t.equal(made.length, 2)
    for (const name of made) t.notOk(left.includes(name))
  },
)

t.test('without a test run it tells which command starts one', async (t) => {
  const saved = process.env['TEST_POSTGRES_URL']
  delete process.env['TEST_POSTGRES_URL']
  t.teardown(() => {
    process.env['TEST_POSTGRES_URL'] = saved
  })
  await t.rejects(createDatabase(t, 'auth'), /npm test/)
})
