import pg from 'pg'
import t from 'tap'
import { createPool } from '@portcullis/service-kit'
import { createDatabase, startProxy } from '@portcullis/test-kit'
import { Housekeeping, BATCH_SIZE } from '../src/housekeeping/housekeeping.ts'
import { pruneLogins, pruneSessions } from '../src/housekeeping/prune.ts'
import type {} from '../src/plugins/housekeeping.ts'
import { pruneRevocations } from '../src/revocation/log.ts'
import { startAuth } from './support/auth.ts'
import { until } from './support/until.ts'

const SILENT = { info: () => undefined, warn: () => undefined }

t.test('housekeeping drops what nobody needs any more', async (t) => {
  const auth = await startAuth(t, { LOGIN_HISTORY_DAYS: '30' })
  const { pool } = auth.app.pg
  const ids = async (text: string, values: unknown[] = []) =>
    (await pool.query<{ id: string }>(text, values)).rows.map((row) => row.id)

  await t.test('sessions a day after they ended or expired, and no live one', async (t) => {
    const user = await auth.newUser()
    for (let i = 0; i < 5; i++) await auth.login(user)
    const [live, justEnded, justExpired, ended, expired] = await ids('select id from sessions order by id')
    const hours = (count: number) => `now() - interval '${count} hours'`
    await pool.query(`update sessions set ended_at = ${hours(23)} where id = $1`, [justEnded])
    await pool.query(`update sessions set expires_at = ${hours(23)} where id = $1`, [justExpired])
    await pool.query(`update sessions set ended_at = ${hours(25)} where id = $1`, [ended])
    await pool.query(`update sessions set expires_at = ${hours(25)} where id = $1`, [expired])
    t.equal(await auth.app.housekeeping.run(), true)
    t.strictSame(await ids('select id from sessions order by id'), [live, justEnded, justExpired])
  })

  await t.test('attempts to log in after as many days as are set', async (t) => {
    const user = await auth.newUser()
    for (let i = 0; i < 2; i++) await auth.login(user)
    const [old, recent] = await ids('select id from login_history where user_id = $1 order by id', [user.id])
    await pool.query("update login_history set at = now() - interval '30 days 1 hour' where id = $1", [old])
    await pool.query("update login_history set at = now() - interval '29 days' where id = $1", [recent])
    await auth.app.housekeeping.run()
    t.strictSame(await ids('select id from login_history where user_id = $1', [user.id]), [recent])
  })

  await t.test('answers to repeated requests, and changes of users that were told long enough', async (t) => {
    const signup = { username: 'once', password: 'correct horse battery staple' }
    const headers = { 'idempotency-key': 'a-key' }
    t.equal((await auth.call('POST', '/api/v1/signup', { body: signup, headers })).status, 201)
    await pool.query("update idempotency_keys set created_at = now() - interval '25 hours'")
    await pool.query("update user_changes set at = now() - interval '8 days'")
    await auth.app.housekeeping.run()
    t.strictSame(await ids('select owner as id from idempotency_keys'), [])
    t.strictSame(await ids('select seq::text as id from user_changes'), [])
  })

  await t.test('a few at a time, as often as it takes', async (t) => {
    const user = await auth.newUser()
    for (let i = 0; i < 5; i++) await auth.login(user)
    await pool.query("update sessions set ended_at = now() - interval '2 days' where user_id = $1", [user.id])
    await pool.query("update login_history set at = now() - interval '1 year' where user_id = $1", [user.id])
    const { db } = auth.app
    t.strictSame(
      [await pruneSessions(db, 3), await pruneSessions(db, 3), await pruneSessions(db, 3)],
      [3, 2, 0],
    )
    t.strictSame(
      [await pruneLogins(db, 30, 3), await pruneLogins(db, 30, 3), await pruneLogins(db, 30, 3)],
      [3, 2, 0],
    )
  })
})

t.test('the log of revocations is dropped from its front', async (t) => {
  const auth = await startAuth(t)
  const { pool } = auth.app.pg
  const { db } = auth.app
  const append = async (count: number) => {
    for (let i = 0; i < count; i++) await pool.query("select append_revocation('token', 'x', 0)")
  }
  const expire = (...seqs: number[]) =>
    pool.query('update revocations set keep_until = now() where seq = any ($1)', [seqs])
  const log = async () => {
    const { rows } = await pool.query<{ base: number; kept: number[] }>(
      'select base::int, array(select seq::int from revocations order by seq) as kept from revocation_head',
    )
    return rows[0]
  }
  await append(10)

  await t.test('up to the first event that is kept, even if later ones have expired', async (t) => {
    await expire(1, 2, 4, 9)
    t.equal(await pruneRevocations(db), 2)
    t.strictSame(await log(), { base: 2, kept: [3, 4, 5, 6, 7, 8, 9, 10] })
    t.equal(await pruneRevocations(db), 0)
    await expire(3)
    t.equal(await pruneRevocations(db), 2)
    t.strictSame(await log(), { base: 4, kept: [5, 6, 7, 8, 9, 10] })
  })

  await t.test('a few at a time', async (t) => {
    await expire(5, 6, 7, 8)
    t.equal(await pruneRevocations(db, 3), 3)
    t.strictSame(await log(), { base: 7, kept: [8, 9, 10] })
    t.equal(await pruneRevocations(db, 3), 2)
    t.strictSame(await log(), { base: 9, kept: [10] })
  })

  await t.test('to its end, after which it goes on without a hole', async (t) => {
    await expire(10)
    t.equal(await auth.app.housekeeping.run(), true)
    t.strictSame(await log(), { base: 10, kept: [] })
    await append(1)
    t.strictSame(await log(), { base: 10, kept: [11] })
  })

  await t.test('while revocations go on', async (t) => {
    const holder = await pool.connect()
    await holder.query('begin')
    await holder.query("select append_revocation('token', 'y', 0)")
    await expire(11)
    const pruned = pruneRevocations(db)
    await holder.query('commit')
    holder.release()
    t.equal(await pruned, 1)
    t.strictSame(await log(), { base: 11, kept: [12] })
  })
})

t.test('one instance at a time keeps house', async (t) => {
  const auth = await startAuth(t)
  const { pool } = auth.app.pg
  const gate = Promise.withResolvers<number>()
  const begun = Promise.withResolvers<void>()
  const slow = new Housekeeping(
    pool,
    {
      slow: () => {
        begun.resolve()
        return gate.promise
      },
    },
    SILENT,
  )
  const first = slow.run()
  await begun.promise
  t.equal(await auth.app.housekeeping.run(), false, 'another instance does nothing meanwhile')
  t.equal(slow.run(), first, 'nor does the same one begin twice')
  gate.resolve(0)
  t.equal(await first, true)
  t.equal(await auth.app.housekeeping.run(), true, 'and then it is its turn')
})

t.test('an instance whose database answered too late keeps no other from its turn', async (t) => {
  const databaseUrl = await createDatabase(t, 'auth')
  const proxy = await startProxy(t, databaseUrl)
  const slow = createPool({ url: proxy.url, name: 'slow' })
  const pool = createPool({ url: databaseUrl, name: 'well' })
  t.teardown(() => Promise.all([slow.end(), pool.end()]))
  const warned = Promise.withResolvers<void>()
  const unlucky = new Housekeeping(slow, {}, { ...SILENT, warn: () => warned.resolve() })
  t.equal(await unlucky.run(), true, 'its pool has a connection')
  proxy.stall()
  const running = unlucky.run()
  await warned.promise
  await proxy.mend()
  t.equal(await running, false)
  const other = new Housekeeping(pool, {}, SILENT)
  await until(() => other.run(), 'the lock is free')
})

t.test('what fails keeps nothing else from being done, and goes on next time', async (t) => {
  const auth = await startAuth(t)
  const { pool } = auth.app.pg
  const warnings: object[] = []
  const done: string[] = []
  const log = { ...SILENT, warn: (fields: object) => warnings.push(fields) }
  const bad = new Housekeeping(
    pool,
    {
      bad: () => Promise.reject(new Error('no')),
      good: async () => {
        done.push('good')
        return 0
      },
    },
    log,
  )
  t.equal(await bad.run(), true)
  t.equal(await bad.run(), true)
  t.strictSame(done, ['good', 'good'])
  t.match(warnings, [{ what: 'bad' }, { what: 'bad' }])

  const away = new pg.Pool({ host: '127.0.0.1', port: 1 })
  const offline = new Housekeeping(away, {}, log)
  t.equal(await offline.run(), false)
  t.equal(warnings.length, 3)
  await away.end()
})

t.test('a service that stops begins no further batch', async (t) => {
  const auth = await startAuth(t)
  let batches = 0
  const endless = new Housekeeping(
    auth.app.pg.pool,
    {
      endless: async () => {
        batches++
        if (batches === 3) void endless.stop()
        return BATCH_SIZE
      },
    },
    SILENT,
  )
  t.equal(await endless.run(), true)
  t.equal(batches, 3)
})
