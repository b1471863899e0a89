import t from 'tap'
import { formatPosition, revocationKeys, type Ack } from '@portcullis/schemas'
import type {} from '@portcullis/token-verifier/fastify'
import { MAX_VERIFIERS_OF_CLIENT } from '../../src/revocation/verifiers/admit.ts'
import { readLog } from '../../src/revocation/log.ts'
import { startAuth } from '../support/auth.ts'
import { registerClient } from '../support/client.ts'
import { append } from '../support/log.ts'
import { until } from '../support/until.ts'
import { countAccepting, openRedis, startVerifier } from '../support/verifiers.ts'

t.test('who is waited for', async (t) => {
  const auth = await startAuth(t)
  const { db } = auth.app
  await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
  await registerClient(auth, { id: 'other', scopes: ['revocations:read'] })
  await registerClient(auth, { id: 'stranger', scopes: ['users:changes'] })
  const redis = openRedis(t, auth)
  const names = async () =>
    (await db.selectFrom('verifiers').select('name').where('client_id', '!=', 'auth').execute()).map(
      ({ name }) => name,
    )
  const logout = async () => {
    const { access_token } = await auth.login(await auth.newUser())
    const { status, headers } = await auth.call('POST', '/api/v1/logout', { token: access_token })
    return { status, pending: headers['revocation-pending'], token: access_token }
  }
  const head = async () => formatPosition((await readLog(db, { epoch: 0, seq: 0 })).head)
  let marks = 0
  const say = async (client: string, instance: string, ack: Partial<Ack> = {}) => {
    const said = { state: 'live', mark: `m${marks++}`, position: '0-0', max_age: 1, ...ack }
    await redis.hset(revocationKeys.ack(client), instance, JSON.stringify(said))
    return said.mark
  }
  const echoes = async (name: string) => {
    const [beat] = await redis.xrevrange(revocationKeys.beat, '+', '-', 'COUNT', 1)
    const marksField = beat?.[1][beat[1].indexOf('marks') + 1] ?? '{}'
    return JSON.parse(marksField)[name]
  }

  await t.test('a verifier that joins is in the table before its mark comes back', async (t) => {
    const mark = await say('content', 'one', { state: 'joining' })
    await until(async () => (await echoes('content/one')) === mark)
    t.strictSame(await names(), ['content/one'])
  })

  await t.test(
    'one that does not say that it knows holds the answer for a second, which is 202 then',
    async (t) => {
      const speaking = setInterval(() => void say('content', 'one'), 100)
      t.teardown(() => clearInterval(speaking))
      const { status, pending } = await logout()
      clearInterval(speaking)
      t.equal(status, 202)
      t.equal(pending, '1')
    },
  )

  await t.test('a verifier of another client cannot speak for it', async (t) => {
    await say('content', 'one')
    await say('other', 'one', { position: '9-9' })
    await say('other', 'content/one', { position: '9-9' })
    const { status } = await logout()
    t.equal(status, 202)
  })

  await t.test('what a client says that has no business with the log is not heard', async (t) => {
    await say('stranger', 'one', { state: 'joining' })
    const mark = await say('content', 'one')
    await until(async () => (await echoes('content/one')) === mark)
    t.notOk((await names()).some((name) => name.startsWith('stranger/')))
  })

  await t.test('what nobody can read holds up nobody', async (t) => {
    await redis.hset(revocationKeys.ack('content'), 'broken', '{"state":"joining"')
    await redis.hset(revocationKeys.ack('content'), 'odd', '{"state":"undead","mark":"m","position":"1-1"}')
    await say('content', 'patient', { max_age: 61 })
    // PostgreSQL has no place for the first of these names.
    for (const name of ['nul\0', 'spa ce', 'x'.repeat(500)]) await say('content', name, { max_age: 60 })
    await redis.hset(revocationKeys.ack('content'), 'large', 'x'.repeat(1_000_000))
    await redis.del(revocationKeys.ack('other'))
    await redis.set(revocationKeys.ack('other'), 'not a hash')
    const mark = await say('content', 'one')
    await until(async () => (await echoes('content/one')) === mark)
    const ofContent = (await names()).filter((name) => name.startsWith('content/'))
    t.strictSame(ofContent, ['content/one'])
    await redis.del(revocationKeys.ack('other'))
  })

  await t.test('a client that says very much at once holds up nobody but itself', async (t) => {
    const said = JSON.stringify({ state: 'joining', mark: 'm', position: '0-0', max_age: 1 })
    const key = revocationKeys.ack('other')
    for (let at = 0; at < 100_000; at += 1000)
      await redis.hset(key, ...Array.from({ length: 1000 }, (_, i) => [`n${at + i}`, said]).flat())
    for (let i = 0; i < 5; i++) {
      const mark = await say('content', 'one', { position: '9-9' })
      await until(async () => (await echoes('content/one')) === mark)
    }
    t.ok((await names()).length <= 1 + MAX_VERIFIERS_OF_CLIENT)
    await redis.del(key)
  })

  await t.test('one that falls silent is waited for no more after twice its own greatest age', async (t) => {
    await until(async () => (await names()).length === 0, 'all have fallen silent')
    // On a busy machine auth itself may be late.
    await until(async () => (await logout()).status === 200, 'a logout waits for nobody')
    await until(async () => (await redis.hexists(revocationKeys.ack('content'), 'one')) === 0)
    t.strictSame(await names(), [])
  })

  await t.test('one that comes back is waited for again before its mark comes back', async (t) => {
    const mark = await say('content', 'one', { position: await head() })
    await until(async () => (await echoes('content/one')) === mark)
    t.strictSame(await names(), ['content/one'])
  })

  await t.test('one that leaves is waited for no more, and what it said is taken away', async (t) => {
    await say('content', 'one', { state: 'leaving' })
    await until(async () => (await names()).length === 0)
    await until(async () => (await redis.hexists(revocationKeys.ack('content'), 'one')) === 0)
    t.equal((await logout()).status, 200)
  })

  await t.test(
    'one that has stopped at an older place is waited for, one that is ahead is not',
    async (t) => {
      const before = await head()
      await append(db, 'something')
      await say('content', 'late', { position: before, max_age: 30 })
      await until(async () => (await names()).includes('content/late'))
      const late = logout()
      await until(async () => (await head()) !== before)
      t.equal((await late).status, 202)
      await say('content', 'late', { position: '1-1000000', max_age: 30 })
      t.equal((await logout()).status, 200)
      await say('content', 'late', { state: 'leaving' })
      await until(async () => (await names()).length === 0)
    },
  )

  await t.test('eight verifiers that follow the log know of each logout when it is answered', async (t) => {
    const verifiers = await Promise.all(Array.from({ length: 8 }, () => startVerifier(t, auth)))
    t.equal((await names()).length, 8)
    const waits: number[] = []
    for (let i = 0; i < 100; i++) {
      const { access_token } = await auth.login(await auth.newUser())
      const began = performance.now()
      const { status } = await auth.call('POST', '/api/v1/logout', { token: access_token })
      waits.push(performance.now() - began)
      t.equal(status, 200)
      t.equal(await countAccepting(verifiers, access_token), 0)
    }
    const sorted = waits.toSorted((a, b) => a - b)
    t.comment(
      `barrier logout with 8 verifiers in one process: p50 ${sorted[50]?.toFixed(1)} ms, p99 ${sorted[98]?.toFixed(1)} ms`,
    )
    await Promise.all(verifiers.map((verifier) => verifier.close()))
    await until(async () => (await names()).length === 0, 'all have left')
  })
})

t.test('instances of auth', async (t) => {
  const auth = await startAuth(t)
  const another = await auth.another()
  const names = async () =>
    (await auth.app.db.selectFrom('verifiers').select('name').execute()).map(({ name }) => name)

  await t.test('are verifiers themselves, as long as they run', async (t) => {
    t.equal((await names()).length, 2)
    const { access_token } = await auth.login(await auth.newUser())
    t.equal((await auth.call('POST', '/api/v1/logout', { token: access_token })).status, 200)
    await t.rejects(another.verifier.verify(access_token), 'the other one knows')
    await another.close()
    t.equal((await names()).length, 1)
  })

  await t.test('that start again take nobody out, and hear nobody who is gone', async (t) => {
    await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
    const verifier = await startVerifier(t, auth)
    const redis = openRedis(t, auth)
    const left = { state: 'live', mark: 'old', position: '0-0', max_age: 2 }
    await auth.app.close()
    await redis.hset(revocationKeys.ack('content'), 'left-behind', JSON.stringify(left))
    const next = await auth.another()
    const rows = await next.db
      .selectFrom('verifiers')
      .select('name')
      .where('client_id', '=', 'content')
      .execute()
    t.equal(rows.length, 1)
    await until(() => verifier.ready && verifier.age() < 300)
    const now = await next.db
      .selectFrom('verifiers')
      .select('name')
      .where('client_id', '=', 'content')
      .execute()
    t.strictSame(now, rows)
  })
})
