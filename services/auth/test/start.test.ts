import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { createDatabase, startProxy } from '@portcullis/test-kit'
import { startAuth } from './support/auth.ts'

t.test('the start waits for a database', async (t) => {
  const stores = await startAuth(t)
  const starts = async (harm: 'cut' | 'stall') => {
    const proxy = await startProxy(t, await createDatabase(t, 'auth'))
    await proxy[harm]()
    const starting = stores.another({ DATABASE_URL: proxy.url })
    await sleep(2500)
    await proxy.mend()
    const app = await starting
    return (await app.inject('/health/ready')).statusCode
  }

  await t.test('that answers only after its timeouts', async (t) => {
    t.equal(await starts('stall'), 200)
  })
  await t.test('that is just being restarted', async (t) => {
    t.equal(await starts('cut'), 200)
  })
})

t.test('on a database that has not been migrated it does not start, and says so in a line', async (t) => {
  const { env } = await startAuth(t)
  const server = fileURLToPath(new URL('../src/server.ts', import.meta.url))
  const DATABASE_URL = process.env['TEST_POSTGRES_URL'] ?? ''
  await t.rejects(
    promisify(execFile)(process.execPath, ['--conditions=@portcullis/source', server], {
      env: { ...env, DATABASE_URL, PORT: '0', METRICS_PORT: '0' },
      timeout: 25_000,
    }),
    { code: 1, stderr: /^the database of DATABASE_URL has not been migrated, .*\n$/ },
  )
})
