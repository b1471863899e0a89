import t from 'tap'
import { formatPosition, revocationKeys, type RevocationEvent } from '@portcullis/schemas'
import { startRedis } from '@portcullis/test-kit'
import { systemClock } from '@portcullis/token-verifier'
import { carryToRedis, defineAppend } from '../../src/revocation/append.ts'
import { History } from '../../src/revocation/history.ts'
import { readLog } from '../../src/revocation/log.ts'
import { Serving } from '../../src/revocation/verifiers/serving.ts'
import { callOf, startAuth } from '../support/auth.ts'
import { registerClient } from '../support/client.ts'
import { untilWhole } from '../support/log.ts'
import { until } from '../support/until.ts'
import { countAccepting, openRedis, startVerifier } from '../support/verifiers.ts'

const LOG = revocationKeys.log
const HOUR_MS = 3_600_000

t.test('an event is carried by itself', async (t) => {
  const redis = openRedis(t, { redis: await startRedis(t) })
  defineAppend(redis)
  const event = (seq: number, epoch = 1): RevocationEvent => ({
    epoch,
    seq,
    kind: 'session',
    key: `s${seq}`,
    value: 0,
    keep_until: Date.now() + HOUR_MS,
    at: Date.now(),
  })
  const ids = async () => (await redis.xrange(LOG, '-', '+')).map(([id]) => id)
  const append = (seq: number) => redis.xadd(LOG, `1-${seq}`, 'kind', 'session')

  await t.test('only behind the one before it', async (t) => {
    t.equal(await carryToRedis(redis, [event(1)]), false, 'the log is empty, or lost')
    await append(1)
    t.equal(await carryToRedis(redis, [event(2)]), true)
    t.strictSame(await ids(), ['1-1', '1-2'])
    t.equal(await redis.get(revocationKeys.event('session', 's2')), '0')
  })

  await t.test('neither twice, nor over a hole, nor into another epoch', async (t) => {
    for (const other of [event(2), event(1), event(4), event(3, 2), event(1, 2)])
      t.equal(await carryToRedis(redis, [other]), false, formatPosition(other))
    t.strictSame(await ids(), ['1-1', '1-2'])
  })

  await t.test('not where somebody has put something else', async (t) => {
    await redis.xadd(LOG, '1-3', 'something', 'else')
    t.equal(await carryToRedis(redis, [event(3)]), false)
    t.equal(await redis.get(revocationKeys.event('session', 's3')), null)
  })

  await t.test('not into a log that was emptied meanwhile', async (t) => {
    await redis.flushall()
    t.equal(await carryToRedis(redis, [event(3)]), false)
    t.strictSame(await ids(), [])
  })
})

t.test('what somebody else has put in the place of the next event', async (t) => {
  const auth = await startAuth(t)
  const another = await auth.another()
  await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
  const redis = openRedis(t, auth)
  const verifiers = [await startVerifier(t, auth), await startVerifier(t, auth)]
  const { db } = auth.app
  const head = async () => (await readLog(db, { epoch: 0, seq: 0 })).head
  const calls = [auth.call, callOf(another)]
  const forged = (key: string) => {
    const now = Date.now()
    return ['event', `session 0 ${now + HOUR_MS} ${now} ${key}`]
  }
  const logOut = async (count: number) => {
    const user = await auth.newUser()
    const pairs = await Promise.all(Array.from({ length: count }, () => auth.login(user)))
    return async () => {
      const answers = pairs.map(async ({ access_token: token }, index) => {
        const { status } = await (calls[index % 2] ?? auth.call)('POST', '/api/v1/logout', { token })
        if (status === 200)
          t.equal(await countAccepting(verifiers, token), 0, 'nobody accepts it after a 200')
        return status
      })
      const statuses = await Promise.all(answers)
      t.ok(statuses.every((status) => [200, 202, 503].includes(status)))
      await until(async () => {
        const accepting = pairs.map(({ access_token }) => countAccepting(verifiers, access_token))
        return (await Promise.all(accepting)).every((count) => count === 0)
      }, 'nobody accepts any of them')
      await until(() => verifiers.every((verifier) => verifier.ready), 'everybody serves')
    }
  }

  await t.test('is dropped if it is no event, and the epoch goes on', async (t) => {
    await untilWhole(auth, redis)
    const { epoch, seq } = await head()
    const revoke = await logOut(1)
    await redis.xadd(LOG, `${epoch}-${seq + 1}`, 'something', 'else')
    await revoke()
    await untilWhole(auth, redis)
    t.equal((await head()).epoch, epoch)
  })

  for (const count of [1, 2, 20])
    await t.test(`ends the epoch if it looks like one, under ${count} logouts`, async () => {
      await until(() => verifiers.every((verifier) => verifier.ready))
      await untilWhole(auth, redis)
      const { epoch, seq } = await head()
      const revoke = await logOut(count)
      await redis.xadd(LOG, `${epoch}-${seq + 1}`, ...forged('somebody else'))
      await revoke()
      await until(async () => (await head()).epoch > epoch, 'a new epoch')
      await until(() => verifiers.every((verifier) => verifier.position.epoch > epoch))
      await untilWhole(auth, redis)
    })
})

for (const [where, idOf] of [
  ['at the end of what numbers there are', (epoch: number) => `${epoch}-${Number.MAX_SAFE_INTEGER}`],
  ['so near to it that few are left', (epoch: number) => `${epoch}-${Number.MAX_SAFE_INTEGER - 3}`],
  ['in the last epoch that there is a number for', () => `${Number.MAX_SAFE_INTEGER}-1`],
  ['in an epoch of the day after tomorrow', () => `${Math.floor(Date.now() / 1000) + 2 * 86_400}-1`],
] as const)
  t.test(`an event that somebody else has put ${where} is dropped, and the log goes on`, async (t) => {
    const auth = await startAuth(t)
    await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
    const verifier = await startVerifier(t, auth)
    const redis = openRedis(t, auth)
    const head = async () => (await readLog(auth.app.db, { epoch: 0, seq: 0 })).head
    const logout = async () => {
      const { access_token: token } = await auth.login(await auth.newUser())
      const { status } = await auth.call('POST', '/api/v1/logout', { token })
      t.equal(await countAccepting([verifier], token), 0)
      return status
    }
    t.equal(await logout(), 200)
    await untilWhole(auth, redis)
    const before = await head()
    const now = Date.now()
    const id = idOf(before.epoch)
    await redis.xadd(LOG, id, 'event', `session 0 ${now + HOUR_MS} ${now} somebody`)
    await until(async () => (await redis.xrange(LOG, id, id)).length === 0, 'it is gone')
    await untilWhole(auth, redis)
    t.strictSame(await head(), before, 'the database has heard nothing of it')
    t.equal(await logout(), 200)
    t.equal((await head()).seq, before.seq + 1)
    t.ok(verifier.ready)
    t.ok(auth.app.relay.isHealthy)
  })

t.test('a new epoch lies beyond no place that nobody can be at', async (t) => {
  const auth = await startAuth(t)
  const redis = openRedis(t, auth)
  const { db, transact, replica } = auth.app
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const prepareKeys = async () => async () => undefined
  const serving = new Serving(systemClock)
  const history = new History({ db, transact, redis, replica, serving, prepareKeys, log })
  const { head } = await readLog(db, { epoch: 0, seq: 0 })
  await history.mend('behind redis', head.epoch, { epoch: head.epoch, seq: Number.MAX_SAFE_INTEGER })
  const raised = (await readLog(db, { epoch: 0, seq: 0 })).head
  t.ok(raised.epoch > head.epoch)
  t.equal(raised.seq, head.seq)
})
