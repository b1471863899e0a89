import t from 'tap'
import { createPool } from '../../src/stores/pool.ts'
import { warmPool } from '../../src/stores/warm.ts'

t.test('a warm pool has all its connections open and none in use', async (t) => {
  const pool = createPool({ url: process.env['TEST_POSTGRES_URL'] ?? '', name: 'warm', poolSize: 3 })
  t.teardown(() => pool.end())
  await warmPool(pool)
  t.equal(pool.totalCount, 3)
  t.equal(pool.idleCount, 3)
})

t.test('a database that is away keeps nobody from starting', async (t) => {
  const pool = createPool({ url: 'postgres://nobody:secret@127.0.0.1:1/nothing', name: 'warm', poolSize: 3 })
  t.teardown(() => pool.end())
  await t.resolves(warmPool(pool))
  t.equal(pool.totalCount, 0)
})
