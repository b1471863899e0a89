import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { comparePositions, formatPosition, parsePosition, revocationKeys } from '@portcullis/schemas'
import { Replica, systemClock } from '@portcullis/token-verifier'
import { raiseEpoch } from '../../src/revocation/epoch.ts'
import { Follower } from '../../src/revocation/follow.ts'
import { readLog } from '../../src/revocation/log.ts'
import { startAuth } from '../support/auth.ts'
import { append } from '../support/log.ts'
import { until } from '../support/until.ts'
import { openRedis } from '../support/verifiers.ts'

t.test('keys are read once for each event that gives one up', async (t) => {
  const auth = await startAuth(t)
  const { db } = auth.app
  let readings = 0
  const follower = new Follower({
    db,
    redis: openRedis(t, auth),
    replica: new Replica(),
    history: { mend: async () => undefined, reconcile: async () => undefined },
    onKeys: async () => {
      readings += 1
    },
    clock: systemClock,
    maxAgeSeconds: 2,
    log: { warn: () => undefined },
  })
  t.teardown(() => follower.stop())
  await append(db, 'one key', 'key')
  await follower.start()
  t.equal(readings, 1)
  await sleep(500)
  t.equal(readings, 1)
  await append(db, 'another key', 'key')
  await sleep(500)
  t.equal(readings, 2)
})

t.test('an instance says that it knows of a key that is given up when it uses it no more', async (t) => {
  const auth = await startAuth(t)
  const { db } = auth.app
  const redis = openRedis(t, auth)
  const acked = async () => {
    const said: unknown = JSON.parse(
      (await redis.hget(revocationKeys.ack('auth'), follower.instance)) ?? '{}',
    )
    return String(Reflect.get(Object(said), 'position'))
  }
  const before: string[] = []
  const follower = new Follower({
    db,
    redis,
    replica: new Replica(),
    history: { mend: async () => undefined, reconcile: async () => undefined },
    onKeys: async () => {
      before.push(await acked())
    },
    clock: systemClock,
    maxAgeSeconds: 2,
    log: { warn: () => undefined },
  })
  t.teardown(() => follower.stop())
  await follower.start()
  await append(db, 'a key', 'key')
  follower.poke()
  await until(() => before.length === 1, 'the keys are read')
  const { head } = await readLog(db, { epoch: 0, seq: 0 })
  const said = parsePosition(before[0] ?? '')
  t.ok(said && comparePositions(said, head) < 0, `${before[0]} while the keys are read`)
  await until(async () => (await acked()) === formatPosition(head), 'it has said so')
})

t.test('what a new epoch calls for is repeated until it has been done', async (t) => {
  const auth = await startAuth(t)
  const { db } = auth.app
  let attempts = 0
  const follower = new Follower({
    db,
    redis: openRedis(t, auth),
    replica: new Replica(),
    history: {
      mend: async () => undefined,
      reconcile: async () => {
        attempts += 1
        if (attempts === 1) throw new Error('the database is away')
      },
    },
    onKeys: async () => undefined,
    clock: systemClock,
    maxAgeSeconds: 2,
    log: { warn: () => undefined },
  })
  t.teardown(() => follower.stop())
  await follower.start()
  t.equal(attempts, 0)
  await db.transaction().execute((trx) => raiseEpoch(trx, { epoch: 0, seq: 0 }))
  follower.poke()
  await until(() => attempts === 2, 'it is tried again')
})
