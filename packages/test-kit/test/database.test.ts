import pg from 'pg'
import t from 'tap'
import { createDatabase } from '@portcullis/test-kit'

t.test(
  'each call makes a database of its own, with the tables of its service and nothing in them',
  async (t) => {
    const made = new Set<string>()
    for (const [service, table] of [
      ['auth', 'users'],
      ['content', 'posts'],
      ['content', 'posts'],
    ] as const) {
      const client = new pg.Client({ connectionString: await createDatabase(t, service) })
      await client.connect()
      const { rows } = await client.query<{ name: string; rows: string }>(
        `select current_database() as name, (select count(*) from ${table}) as rows`,
      )
      await client.end()
      made.add(rows[0]?.name ?? '')
      t.equal(rows[0]?.rows, '0')
    }
    t.equal(made.size, 3)
  },
)

t.test('what is still connected when the test ends is disconnected', async (t) => {
  const ended = Promise.withResolvers<void>()
  await t.test('inside', async (t) => {
    const client = new pg.Client({ connectionString: await createDatabase(t, 'auth') })
    client.on('error', () => undefined)
    client.on('end', () => ended.resolve())
    await client.connect()
  })
  await ended.promise
  t.pass()
})

t.test('without a test run it tells which command starts one', async (t) => {
  const saved = process.env['TEST_POSTGRES_URL']
  delete process.env['TEST_POSTGRES_URL']
  t.teardown(() => {
    process.env['TEST_POSTGRES_URL'] = saved
  })
  await t.rejects(createDatabase(t, 'auth'), /npm test/)
})
