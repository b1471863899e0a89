import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { revocationKeys } from '@portcullis/schemas'
import { revokeAll } from '../../src/revocation/revoke-all.ts'
import { startAuth } from '../support/auth.ts'
import { registerClient } from '../support/client.ts'
import { until } from '../support/until.ts'
import { countAccepting, openRedis, startVerifier } from '../support/verifiers.ts'

t.test('a logout waits for the verifiers though no event tells of what ended its session', async (t) => {
  const auth = await startAuth(t)
  const { db } = auth.app
  await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
  const redis = openRedis(t, auth)
  const logout = (token: string) => auth.call('POST', '/api/v1/logout', { token })
  const verifier = await startVerifier(t, auth)

  await t.test('a session that the database has lost', async (t) => {
    const { access_token } = await auth.login(await auth.newUser())
    await db.deleteFrom('sessions').execute()
    t.equal((await logout(access_token)).status, 200)
    t.equal(await countAccepting([verifier], access_token), 0)
    const count = () => db.selectFrom('revocations').select('seq').execute()
    const { length } = await count()
    t.equal((await logout(access_token)).status, 200)
    t.equal((await count()).length, length, 'it is told once')
  })

  await t.test('a session that all others end with, when everything is revoked', async (t) => {
    // A verifier that lives, and never gets to read the log.
    let marks = 0
    const say = async () => {
      const ack = { state: 'live', mark: `${marks++}`, position: '0-0', max_age: 2 }
      await redis.hset(revocationKeys.ack('content'), 'deaf', JSON.stringify(ack))
    }
    const saying = setInterval(() => void say(), 100)
    t.teardown(() => clearInterval(saying))
    await until(async () => {
      const rows = await db.selectFrom('verifiers').select('name').execute()
      return rows.some(({ name }) => name === 'content/deaf')
    }, 'the verifier is known')

    const pairs = await Promise.all(Array.from({ length: 5 }, async () => auth.login(await auth.newUser())))
    const other = new pg.Client({ connectionString: auth.databaseUrl })
    await other.connect()
    t.teardown(() => other.end())
    await other.query('begin; select seq from revocation_head for update')
    const all = revokeAll({ db, transact: auth.app.transact }, auth.app.keyMaker)
    // It has ended the sessions, and waits to begin the epoch.
    await sleep(200)
    const logouts = pairs.map(({ access_token }) => logout(access_token))
    await sleep(200)
    await other.query('commit')
    for (const answer of await Promise.all(logouts)) {
      t.equal(answer.status, 202)
      t.equal(answer.headers['revocation-pending'], '1')
    }
    await all
  })
})
