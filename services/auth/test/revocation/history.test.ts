import t from 'tap'
import type { TokenPair } from '@portcullis/schemas'
import { createPool } from '@portcullis/service-kit'
import { createTransact } from '../../src/database/transaction.ts'
import { raiseEpoch } from '../../src/revocation/epoch.ts'
import { findNewestEvent, readLog } from '../../src/revocation/log.ts'
import { startAuth, type TestAuth } from '../support/auth.ts'
import { backUp, ON_ANOTHER_TIMELINE } from '../support/backup.ts'
import { newClient, registerClient } from '../support/client.ts'
import { append, untilWhole } from '../support/log.ts'
import { until } from '../support/until.ts'
import { countAccepting, openRedis, startVerifier } from '../support/verifiers.ts'

const START = { epoch: 0, seq: 0 }

const refresh = (auth: Pick<TestAuth, 'call'>, { refresh_token }: TokenPair) =>
  auth.call('POST', '/api/v1/refresh', { body: { refresh_token } })

t.test('commits that the database has lost', async (t) => {
  const auth = await startAuth(t)
  const another = await auth.another()
  await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
  const verifiers = [await startVerifier(t, auth), await startVerifier(t, auth)]
  const redis = openRedis(t, auth)
  const { db } = auth.app
  const epoch = async () => (await readLog(db, START)).head.epoch
  /** Everybody is in a new epoch, also the instance that knew most and ends what it knew of. */
  const untilRaised = (from: number, oldKid: string) =>
    until(
      () =>
        verifiers.every((verifier) => verifier.position.epoch > from) &&
        [auth.app, another].every((app) => app.replica.epoch > from && app.keyring.activeKid !== oldKid),
      'a new epoch',
    )

  for (const [title, harm, more] of [
    ['on a promoted standby', async () => undefined, ON_ANOTHER_TIMELINE],
    ['without a trace', async () => undefined, undefined],
    ['while Redis was emptied', () => redis.flushall(), undefined],
    [
      'and written over',
      async () => undefined,
      `select append_revocation('session', 'other ' || n, 0) from generate_series(1, 20) n`,
    ],
  ] as const)
    await t.test(`lost ${title}: what was revoked stays dead, everything else refreshes once`, async (t) => {
      const before = await epoch()
      const [one, two, three, gone] = await Promise.all(Array.from({ length: 4 }, () => auth.newUser()))
      if (!one || !two || !three || !gone) throw new Error('no users')
      const [loggedOut, everywhere, untouched, deleted] = await Promise.all(
        [one, two, three, gone].map((user) => auth.login(user)),
      )
      if (!loggedOut || !everywhere || !untouched || !deleted) throw new Error('no sessions')
      const client = await newClient(auth, 'users:changes')
      const oldKid = auth.app.keyring.activeKid
      await untilWhole(auth, redis)

      const goBack = await backUp(auth)
      const revoke = async (method: string, path: string, token: string) =>
        t.equal((await auth.call(method, path, { token })).status, 200)
      await revoke('POST', '/api/v1/logout', loggedOut.access_token)
      await revoke('POST', '/api/v1/logout_all', everywhere.access_token)
      await revoke('DELETE', '/api/v1/users/me', deleted.access_token)
      await append(db, client.id, 'client', 2)
      await append(db, oldKid, 'key')
      auth.app.relay.poke()
      const { head } = await readLog(db, START)
      await until(() => [auth.app.replica, ...verifiers].every(({ position }) => position.seq >= head.seq))
      await untilWhole(auth, redis)
      await harm()
      await goBack(more)

      await untilRaised(before, oldKid)
      const fresh = await startVerifier(t, auth)
      const all = [...verifiers, fresh]
      for (const pair of [loggedOut, everywhere, untouched, deleted])
        t.equal(await countAccepting(all, pair.access_token), 0)
      for (const pair of [loggedOut, everywhere, deleted]) t.equal((await refresh(auth, pair)).status, 401)
      t.equal(await countAccepting(all, client.token), 0)

      const next = await refresh(auth, untouched)
      t.equal(next.status, 200)
      t.equal(await countAccepting(all, next.body.access_token), all.length)
      t.not(auth.app.keyring.activeKid, oldKid, 'a key that was given up stays given up')
      t.notOk(auth.app.keyring.jwks.keys.some((key) => key.kid === oldKid))

      await untilWhole(auth, redis)
      const again = await auth.login(two)
      t.equal(await countAccepting(all, again.access_token), all.length, 'who logs in again is let in')
      const { status } = await auth.call('POST', '/api/v1/logout', { token: again.access_token })
      t.equal(status, 200)
      t.equal(await countAccepting(all, again.access_token), 0)
      t.equal((await auth.call('POST', '/api/v1/login', { body: gone })).status, 400)
      const { username, password } = gone
      t.equal((await auth.call('POST', '/api/v1/login', { body: { username, password } })).status, 401)
      t.equal(await epoch(), auth.app.replica.epoch, 'and no further epoch has begun')
      t.equal(another.replica.epoch, auth.app.replica.epoch)
      await fresh.close()
    })

  await t.test('an instance that starts on such a database mends it before it serves', async (t) => {
    const before = await epoch()
    const pair = await auth.login(await auth.newUser())
    await untilWhole(auth, redis)
    const goBack = await backUp(auth)
    t.equal((await auth.call('POST', '/api/v1/logout', { token: pair.access_token })).status, 200)
    await untilWhole(auth, redis)
    await Promise.all([auth.app.close(), another.close()])
    await goBack()
    const app = await auth.another()
    t.ok(app.replica.epoch > before)
    const row = await app.db
      .selectFrom('sessions')
      .select('end_reason')
      .where('end_reason', '=', 'history_lost')
      .orderBy('ended_at', 'desc')
      .executeTakeFirst()
    t.ok(row, 'and what only Redis knew of has ended')
  })
})

t.test('a database on another history', async (t) => {
  const auth = await startAuth(t)
  await auth.app.close()
  const pool = createPool({ url: auth.databaseUrl, name: 'test' })
  t.teardown(() => pool.end())
  await pool.query(ON_ANOTHER_TIMELINE)

  await t.test('takes no revocation, and undoes what came with it', async (t) => {
    const transact = createTransact(pool)
    await t.rejects(
      transact(async (trx) => {
        await trx.insertInto('roles').values({ name: 'undone' }).execute()
        return { value: undefined, revoke: { kind: 'session', key: 'x' } }
      }),
      { code: 'UNAVAILABLE' },
    )
    t.equal((await pool.query(`select from roles where name = 'undone'`)).rowCount, 0)
  })
})

t.test('a new epoch', async (t) => {
  const auth = await startAuth(t)
  const { db } = auth.app
  const raise = (beyond = START, kids: readonly string[] = []) =>
    db.transaction().execute((trx) => raiseEpoch(trx, beyond, kids))

  await t.test(
    'lies beyond the clock, beyond the one before, and beyond all that was heard of',
    async (t) => {
      const now = Math.floor(Date.now() / 1000)
      const first = await raise()
      t.ok(first.epoch >= now && first.epoch <= now + 60)
      const second = await raise({ epoch: now + 1000, seq: 500 })
      t.strictSame(second, { epoch: now + 1001, seq: 500 })
      t.equal((await raise()).epoch, now + 1002)
    },
  )

  await t.test('begins with an empty log, but for the keys that were given up', async (t) => {
    await append(db, 'a session')
    await append(db, 'one key', 'key')
    await append(db, 'a key that is known to be lost, too', 'key')
    const begun = await raise(START, ['another key', 'a key that is known to be lost, too'])
    const { head, events } = await readLog(db, START)
    t.equal(head.epoch, begun.epoch)
    t.equal(head.seq, begun.seq)
    t.equal(head.base, begun.seq - 3)
    t.strictSame(
      new Set(events.map(({ kind, key }) => `${kind} ${key}`)),
      new Set(['key one key', 'key another key', 'key a key that is known to be lost, too']),
    )
  })

  await t.test('is what a session of an older epoch is told to have ended by', async (t) => {
    const pair = await auth.login(await auth.newUser())
    t.equal((await auth.call('POST', '/api/v1/logout', { token: pair.access_token })).status, 200)
    const begun = await raise()
    const { sid } = JSON.parse(Buffer.from(pair.access_token.split('.')[1] ?? '', 'base64url').toString())
    t.match(await findNewestEvent(db, 'session', sid), { epoch: begun.epoch })
    t.equal(await findNewestEvent(db, 'session', 'none'), undefined)
  })
})

t.test(
  'a logout in the place of one that the database has lost is not answered before it is known',
  async (t) => {
    const auth = await startAuth(t)
    await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
    const verifiers = [await startVerifier(t, auth), await startVerifier(t, auth)]
    const redis = openRedis(t, auth)
    const logout = async ({ access_token }: TokenPair) => {
      const { status } = await auth.call('POST', '/api/v1/logout', { token: access_token })
      return { status, accepting: await countAccepting([auth.app.verifier, ...verifiers], access_token) }
    }
    for (let round = 1; round <= 3; round++) {
      const [lost, next] = [await auth.login(await auth.newUser()), await auth.login(await auth.newUser())]
      await untilWhole(auth, redis)
      const goBack = await backUp(auth)
      t.strictSame(await logout(lost), { status: 200, accepting: 0 })
      await untilWhole(auth, redis)
      await goBack()
      const { status, accepting } = await logout(next)
      t.ok(status === 202 || accepting === 0, `${status}, and ${accepting} accept the token`)
      await until(async () => (await countAccepting(verifiers, next.access_token)) === 0)
    }
  },
)
