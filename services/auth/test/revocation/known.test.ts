import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createDatabase, startProxy } from '@portcullis/test-kit'
import { startAuth } from '../support/auth.ts'
import { backUp, ON_ANOTHER_TIMELINE } from '../support/backup.ts'
import { until } from '../support/until.ts'

/** More than the time after which an instance reads the log whether or not there is news of it. */
const UNTIL_DUE_MS = 450

const cases = [
  { title: 'where Redis is away', hasRedis: false, isDue: false, hasOther: false },
  { title: 'where Redis is away and the log was to be read', hasRedis: false, isDue: true, hasOther: false },
  {
    title: 'where the log in Redis is empty and was to be read',
    hasRedis: true,
    isDue: true,
    hasOther: false,
  },
  { title: 'behind an event of another instance', hasRedis: false, isDue: false, hasOther: true },
]

t.test('a logout that the database loses right after its commit ends the session all the same', async (t) => {
  for (const { title, hasRedis, isDue, hasOther } of cases)
    await t.test(title, async (t) => {
      const databaseUrl = await createDatabase(t, 'auth')
      const proxy = await startProxy(t, databaseUrl)
      const auth = await startAuth(t, { DATABASE_URL: proxy.url })
      const { app, clock } = auth
      const pair = await auth.login(await auth.newUser())
      const goBack = await backUp({ databaseUrl })
      if (!hasRedis) await auth.redis.kill()
      await sleep(300)
      const { epoch } = app.replica
      await until(() => app.replica.age() < 30)

      const failedOver = Promise.withResolvers<void>()
      const failOver = async () => {
        await proxy.cut()
        await goBack(ON_ANOTHER_TIMELINE)
        await proxy.mend()
        failedOver.resolve()
      }
      // Before all others hear of the commit, which PostgreSQL has acknowledged.
      const listeners = [...app.revokedListeners]
      app.revokedListeners.clear()
      app.revokedListeners.add(() => {
        if (isDue) clock.advance(UNTIL_DUE_MS)
        void failOver()
      })
      for (const listener of listeners) app.revokedListeners.add(listener)

      // Its notification is still on its way.
      if (hasOther) await app.pg.pool.query("select append_revocation('session', 'of another instance', 0)")
      await auth.call('POST', '/api/v1/logout', { token: pair.access_token })
      await failedOver.promise
      await until(() => app.replica.epoch > epoch, 'a new epoch')
      await until(() => app.replica.age() < 500)
      const body = { refresh_token: pair.refresh_token }
      t.equal((await auth.call('POST', '/api/v1/refresh', { body })).status, 401)
    })
})
