import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Replica, systemClock } from '@portcullis/token-verifier'
import { Follower } from '../../src/revocation/follow.ts'
import { startAuth } from '../support/auth.ts'
import { append } from '../support/log.ts'
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
