import { setTimeout as sleep } from 'node:timers/promises'
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
