import pg from 'pg'
import t from 'tap'
import { EVENT_FIELD, revocationKeys, type RevocationEvent } from '@portcullis/schemas'
import { startRedis } from '@portcullis/test-kit'
import { appendToRedis, defineAppend } from '../../src/revocation/append.ts'
import { pruneRevocations, readLog } from '../../src/revocation/log.ts'
import { Registrar } from '../../src/revocation/verifiers/registrar.ts'
import { Relay } from '../../src/revocation/relay.ts'
import { Serving } from '../../src/revocation/verifiers/serving.ts'
import { MovableClock, startAuth, type TestAuth } from '../support/auth.ts'
import { append, untilWhole } from '../support/log.ts'
import { until } from '../support/until.ts'
import { openRedis } from '../support/verifiers.ts'

t.test('the log in Redis', async (t) => {
  const auth = await startAuth(t)
  const redis = openRedis(t, auth)
  const { db } = auth.app

  await t.test('has an entry for each event, and a key to look it up by', async (t) => {
    const { sid } = await logout(auth)
    await untilWhole(auth, redis)
    const [entry] = await redis.xrevrange(revocationKeys.log, '+', '-', 'COUNT', 1)
    t.match(entry?.[1], ['event', new RegExp(`^session 0 \\d{13} \\d{13} ${sid}$`)])
    t.equal(await redis.get(revocationKeys.event('session', sid)), '0')
    const ttl = await redis.pttl(revocationKeys.event('session', sid))
    t.ok(ttl > 3_600_000 && ttl <= 3_900_000)
    t.match(await redis.get(revocationKeys.head), /^1-1-0$/)
    const left = await redis.pttl(revocationKeys.head)
    t.ok(left > 0 && left <= 2000, 'the head is gone two seconds after the last relay')
  })

  await t.test('gets an event that was committed when nobody could carry it', async (t) => {
    await append(db, 'carried-later')
    await untilWhole(auth, redis)
    t.equal(await redis.get(revocationKeys.event('session', 'carried-later')), '0')
  })

  await t.test('is the same whichever instance carries it', async () => {
    const another = await auth.another()
    for (let i = 0; i < 50; i++) {
      await append(db, `both-${i}`)
      auth.app.relay.poke()
      another.relay.poke()
    }
    await untilWhole(auth, redis)
    await another.close()
  })

  await t.test('is written again after FLUSHALL, and after each loss of an entry', async (t) => {
    const whole = await untilWhole(auth, redis)
    const harms: readonly (() => Promise<unknown>)[] = [
      () => redis.flushall(),
      () => redis.del(revocationKeys.log),
      () => redis.xtrim(revocationKeys.log, 'MAXLEN', 3),
      () => redis.xtrim(revocationKeys.log, 'MAXLEN', 0),
      () => redis.xdel(revocationKeys.log, whole.at(1) ?? '', whole.at(7) ?? ''),
      () => redis.xdel(revocationKeys.log, whole.at(-1) ?? ''),
      () => redis.set(revocationKeys.log, 'not a stream'),
      () => redis.set(revocationKeys.beat, 'not a stream'),
      () => auth.redis.restart(),
    ]
    for (const harm of harms) {
      await harm()
      await append(db, 'after harm')
      t.ok((await untilWhole(auth, redis)).length > whole.length)
    }
  })

  await t.test('drops an entry that is none, whatever its id', async (t) => {
    const { head } = await readLog(db, { epoch: 0, seq: 0 })
    const foreign = [
      [`${head.epoch}-${head.seq + 1}`, 'something', 'else'],
      ['*', 'something', 'else'],
      ['*', EVENT_FIELD, 'hello'],
      ['18446744073709551614-5', 'kind', 'session'],
      ['9999999999999999-5', EVENT_FIELD, 'session 0 1 1 x'],
    ] as const
    for (const [id, ...fields] of foreign) {
      await redis.xadd(revocationKeys.log, id, ...fields)
      await append(db, 'after a foreign entry')
      await untilWhole(auth, redis)
    }
    t.equal((await readLog(db, { epoch: 0, seq: 0 })).head.epoch, head.epoch, 'the epoch is the same')
  })

  await t.test('has no more than the events that are kept', async (t) => {
    const { head } = await readLog(db, { epoch: 0, seq: 0 })
    t.equal(await pruneRevocations(db), 0)
    await db
      .updateTable('revocations')
      .set({ keep_until: new Date(Date.now() - 1) })
      .where('seq', '<=', head.seq - 2)
      .execute()
    t.equal(await pruneRevocations(db), head.seq - 2)
    t.equal((await untilWhole(auth, redis)).length, 2)
    await db
      .updateTable('revocations')
      .set({ keep_until: new Date(Date.now() - 1) })
      .execute()
    t.equal(await pruneRevocations(db), 2)
    t.strictSame(await untilWhole(auth, redis), [])
    t.equal(await redis.get(revocationKeys.head), `1-${head.seq}-${head.seq}`)
    await append(db, 'the next')
    t.equal((await untilWhole(auth, redis)).length, 1)
  })

  await t.test('that ends beyond the log, and has nothing there, begins one new epoch', async (t) => {
    const epoch = async () => (await readLog(db, { epoch: 0, seq: 0 })).head.epoch
    const before = await epoch()
    const id = await redis.xadd(revocationKeys.log, `${before + 5}-7`, 'something', 'else')
    await redis.xdel(revocationKeys.log, id ?? '')
    await until(async () => (await epoch()) > before)
    const raised = await epoch()
    await append(db, 'in the new epoch')
    await untilWhole(auth, redis)
    t.equal(await epoch(), raised)
  })

  await t.test('an instance that starts carries everything, whatever Redis has', async (t) => {
    await auth.app.close()
    const client = new pg.Client({ connectionString: auth.databaseUrl })
    await client.connect()
    await client.query(`select append_revocation('session', 'while nobody was there', 0)`)
    await client.end()
    await redis.flushall()
    const next = await auth.another()
    t.equal(await redis.exists(revocationKeys.log), 1, 'before it serves')
    await untilWhole({ app: next }, redis)
  })
})

t.test('while a lost log is written again, what can be looked up does not grow younger', async (t) => {
  const redis = openRedis(t, { redis: await startRedis(t) })
  defineAppend(redis)
  const now = Date.now()
  const event = (seq: number, value: number, minutes: number): RevocationEvent => {
    return { epoch: 1, seq, kind: 'user', key: 'ada', value, keep_until: now + minutes * 60_000, at: now }
  }
  const events = [event(1, 2, -1), event(2, 3, 30), event(3, 5, 60)]
  const head = { epoch: 1, seq: 3, base: 0 }
  const key = revocationKeys.event('user', 'ada')
  t.equal((await appendToRedis(redis, head, events, {}, 'ok')).status, 'ok')
  for (const part of [events.slice(0, 1), events.slice(1, 2), events.slice(2)]) {
    if (part[0]?.seq === 1) await redis.del(revocationKeys.log)
    await appendToRedis(redis, head, part, {}, 'ok')
    t.equal(await redis.get(key), '5')
    t.ok((await redis.pttl(key)) > 59 * 60_000)
  }
  t.equal((await appendToRedis(redis, head, [], {}, 'ok')).status, 'ok')
})

t.test('what somebody else has put where an event is looked up gives way to the event', async (t) => {
  const redis = openRedis(t, { redis: await startRedis(t) })
  defineAppend(redis)
  const key = revocationKeys.event('user', 'ada')
  for (const [seq, minutes, there] of [
    [1, -1, null],
    [2, 60, '2'],
  ] as const) {
    await redis.del(key)
    await redis.hset(key, 'no', 'number')
    const keep_until = Date.now() + minutes * 60_000
    const event: RevocationEvent = { epoch: 1, seq, kind: 'user', key: 'ada', value: seq, keep_until, at: 0 }
    const head = { epoch: 1, seq, base: seq - 1 }
    t.equal((await appendToRedis(redis, head, [event], {}, 'ok')).status, 'ok')
    t.equal(await redis.get(key), there)
  }
})

t.test('an event has no entry where the key to look it up by could not be set', async (t) => {
  const redis = openRedis(t, { redis: await startRedis(t) })
  defineAppend(redis)
  const keep_until = Date.now() + 60_000
  const event: RevocationEvent = { epoch: 1, seq: 1, kind: 'user', key: 'ada', value: 1, keep_until, at: 0 }
  const head = { epoch: 1, seq: 1, base: 0 }
  await redis.acl('SETUSER', 'default', '-set')
  await t.rejects(appendToRedis(redis, head, [event], {}, 'ok'), /can't run this command/)
  t.equal(await redis.exists(revocationKeys.log), 0)
  await redis.acl('SETUSER', 'default', '+set')
  t.equal((await appendToRedis(redis, head, [event], {}, 'ok')).status, 'ok')
  t.equal(await redis.get(revocationKeys.event('user', 'ada')), '1')
})

t.test('ten thousand events are carried to an empty Redis in several appends', async (t) => {
  const auth = await startAuth(t)
  const redis = openRedis(t, auth)
  for (let i = 0; i < 10; i++)
    await auth.app.pg.query(
      `select append_revocations('session', array(select 'n' || n from generate_series(1, 1000) n), 0)`,
    )
  await redis.flushall()
  t.equal((await untilWhole(auth, redis)).length, 10_000)
})

t.test('a mark comes back with a head that was read after it', async (t) => {
  const auth = await startAuth(t)
  const { db } = auth.app
  const redis = openRedis(t, auth)
  defineAppend(redis)
  const clock = new MovableClock()
  const log = { info: () => undefined, warn: () => undefined }
  const seqs = new Map<string, number>()
  /** Commits an event each time that marks have been read, and gives one out. */
  class Late extends Registrar {
    override async update() {
      await append(db, 'committed when the marks were read')
      const { head } = await readLog(db, { epoch: 0, seq: 0 })
      const mark = `m${head.seq}`
      seqs.set(mark, head.seq)
      return { 'content/late': mark }
    }
  }
  const registrar = new Late({ db, redis, clock, log, serving: new Serving(clock) })
  const history = { mend: async () => undefined, learn: async () => undefined }
  const relay = new Relay({ db, redis, registrar, history, log })
  await relay.start()
  t.teardown(() => relay.stop())
  const echoes = async () => {
    const beats = await redis.xrange(revocationKeys.beat, '-', '+')
    return beats.flatMap(([, fields]) => {
      const field = (name: string) => fields[fields.indexOf(name) + 1] ?? ''
      const mark: unknown = JSON.parse(field('marks'))['content/late']
      return typeof mark === 'string' ? [{ mark, seq: Number(field('seq')) }] : []
    })
  }
  await until(async () => (await echoes()).length >= 3)
  for (const { mark, seq } of await echoes()) t.ok(seq >= (seqs.get(mark) ?? Infinity), `${mark} with ${seq}`)
})

async function logout(auth: TestAuth) {
  const { access_token } = await auth.login(await auth.newUser())
  const { sid } = JSON.parse(Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString())
  const { status } = await auth.call('POST', '/api/v1/logout', { token: access_token })
  if (status !== 200) throw new Error(`logout answered ${status}`)
  return { sid }
}
