import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import t from 'tap'
import {
  startCluster,
  startIssuer,
  startRedis,
  startSentinels,
  TEST_CLIENT,
  type Teardown,
} from '@portcullis/test-kit'
import { createVerifier, systemClock, type CreateVerifierOptions } from '@portcullis/token-verifier'
import { TestRelay } from './support/relay.ts'
import { until } from './support/until.ts'
import { WRONG_URLS } from './support/wrong-urls.ts'

/** A verifier that follows in this way is ready, and refuses what is revoked. */
async function follows(t: Tap, url: string, options: Pick<CreateVerifierOptions, 'redis' | 'redisUrl'>) {
  const issuer = await startIssuer(t)
  const relay = new TestRelay(t, url, issuer.log, TEST_CLIENT.id)
  await until(() => relay.redis.status === 'ready')
  relay.start()
  const { feed: _feed, ...rest } = issuer.verifierOptions
  const errors: unknown[] = []
  const observer = { disconnected: (_carrier: string, error: unknown) => errors.push(error) }
  const verifier = createVerifier({ ...rest, clock: systemClock, observer, ...options })
  t.teardown(() => verifier.close())
  verifier.start()
  await verifier.whenReady(AbortSignal.timeout(10_000))
  const token = issuer.mint({ session: 's' })
  await verifier.verify(token)
  issuer.log.append('session', 's')
  await until(() => verifier.position.seq === 1)
  await t.rejects(verifier.verify(token), { name: 'TokenError', reason: 'revoked' })
  return { verifier, errors, relay }
}

interface Tap extends Teardown {
  rejects(promise: Promise<unknown>, wanted: { name: string; reason: string }): Promise<unknown>
}

const ADMIN = { username: 'admin', password: 'admin' }
const GRANTS = [
  '%R~{revocations}:log',
  '%R~{revocations}:beat',
  '%R~{revocations}:head',
  `~{revocations}:ack:${TEST_CLIENT.id}`,
  '+select',
  '+xread',
  '+xrevrange',
  '+hset',
]

t.test('a user in Redis that may read the log and write its own acks suffices', async (t) => {
  const redis = await startRedis(t)
  const admin = new Redis(redis.url(1))
  t.teardown(() => admin.disconnect())
  await admin.call('ACL', 'SETUSER', 'verifier', 'on', '>secret', 'resetkeys', '-@all', ...GRANTS)
  const redisUrl = redis.url(1).replace('//', '//verifier:secret@')
  const { errors } = await follows(t, redis.url(1), { redisUrl })
  t.strictSame(errors, [])
})

t.test('a user in Redis that may not write acks is told so, and the verifier never serves', async (t) => {
  const redis = await startRedis(t)
  const admin = new Redis(redis.url(1))
  t.teardown(() => admin.disconnect())
  await admin.call('ACL', 'SETUSER', 'verifier', 'on', '>secret', 'resetkeys', '-@all', ...GRANTS, '-hset')
  const issuer = await startIssuer(t)
  const redisUrl = redis.url(1).replace('//', '//verifier:secret@')
  const { feed: _feed, ...rest } = issuer.verifierOptions
  const errors: unknown[] = []
  const observer = { disconnected: (_carrier: string, error: unknown) => errors.push(error) }
  const verifier = createVerifier({ ...rest, redisUrl, observer })
  t.teardown(() => verifier.close())
  verifier.start()
  await until(() => errors.length > 2)
  t.match(errors, [/NOPERM/])
  t.notOk(verifier.ready)
})

const FOR_CLUSTER = '+cluster|slots +readonly +readwrite +client|setname'
const USER = { username: 'verifier', password: 'secret' }
const ACL = [`user ${USER.username} on >${USER.password} resetkeys -@all ${GRANTS.join(' ')} ${FOR_CLUSTER}`]

t.test('a Redis Cluster carries the log, to a user that may do no more', async (t) => {
  const cluster = await startCluster(t, { primaries: 3, replicas: 0, users: ACL })
  const { errors } = await follows(t, cluster.url(ADMIN), { redisUrl: cluster.url(USER) })
  t.strictSame(errors, [])
})

t.test(
  'a process ends though its client was disconnected while it asked a Cluster who holds what',
  async (t) => {
    const cluster = await startCluster(t, { primaries: 3, replicas: 0 })
    const program = `
    const { createRedis } = await import('@portcullis/token-verifier/redis')
    const client = createRedis('${cluster.url()}')
    client.on('ready', () => client.on('refresh', () => client.disconnect()))`
    const args = ['--conditions=@portcullis/source', '--input-type=module', '--eval', program]
    const cwd = fileURLToPath(new URL('..', import.meta.url))
    await t.resolves(promisify(execFile)(process.execPath, args, { cwd, timeout: 15_000 }))
  },
)

t.test('a Redis behind Sentinels carries the log, to a user that may do no more', async (t) => {
  const sentinels = await startSentinels(t, { users: ACL })
  const { errors } = await follows(t, sentinels.url(1, ADMIN), { redisUrl: sentinels.url(1, USER) })
  t.strictSame(errors, [])
})

t.test('a URL that names no Redis is refused, and not repeated', (t) => {
  for (const redisUrl of Object.keys(WRONG_URLS))
    t.throws(
      () => createVerifier({ issuer: 'i', audience: 'a', jwksUrl: 'http://j', clientId: 'c', redisUrl }),
      {
        name: 'TypeError',
        message: /^redisUrl (?!.*secret)/,
      },
    )
  t.end()
})
