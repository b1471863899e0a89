import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { inspect, promisify } from 'node:util'
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
import {
  createVerifier,
  systemClock,
  type CreateVerifierOptions,
  type Observer,
} from '@portcullis/token-verifier'
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

/** Runs a program in a process of its own. Rejects if it fails, or does not end. */
function execute(program: string) {
  const args = ['--conditions=@portcullis/source', '--input-type=module', '--eval', program]
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  return promisify(execFile)(process.execPath, args, { cwd, timeout: 15_000 })
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

/** What an observer is told of a verifier that follows in this way, from its first attempts. */
async function failures(
  t: Teardown,
  options: Pick<CreateVerifierOptions, 'redis' | 'redisUrl'>,
): Promise<readonly unknown[]> {
  const errors: unknown[] = []
  const observer: Observer = { disconnected: (_carrier, error) => errors.push(error) }
  const keys = { find: () => undefined }
  const verifier = createVerifier({ issuer: 'i', audience: 'a', clientId: 'c', keys, observer, ...options })
  t.teardown(() => verifier.close())
  verifier.start()
  await until(() => errors.length >= 2)
  return errors
}

t.test('why Redis cannot be followed is told, without the password that it refuses', async (t) => {
  const redis = await startRedis(t)
  for (const [redisUrl, why] of [
    [redis.url(1).replace('//', '//verifier:hunter2@'), /WRONGPASS/],
    ['redis://127.0.0.1:1', /ECONNREFUSED/],
    ['redis://nobody.invalid', /ENOTFOUND|EAI_AGAIN/],
    [redis.url(1).replace('redis:', 'rediss:'), /ETIMEDOUT|ECONNRESET|TLS|SSL/],
  ] as const)
    for (const error of await failures(t, { redisUrl })) {
      t.match(error, { message: why })
      t.notMatch(inspect(error, { depth: Infinity, showHidden: true }), /hunter2/)
    }
})

t.test('a function for clients that throws is a failure like others, and is called again', async (t) => {
  const fail = () => {
    throw new Error('no client today')
  }
  t.match(await failures(t, { redis: fail }), [
    { message: 'no client today' },
    { message: 'no client today' },
  ])
})

t.test('a process whose verifier is closed ends at once, though Redis cannot be reached', async (t) => {
  const program = `
    const { createVerifier } = await import('@portcullis/token-verifier')
    let failed = 0
    const verifier = createVerifier({
      issuer: 'i', audience: 'a', clientId: 'c', keys: { find: () => undefined }, redisUrl: 'redis://127.0.0.1:1',
      observer: { disconnected: () => failed++ },
    })
    verifier.start()
    while (failed < 3) await new Promise((resolve) => setTimeout(resolve, 5))
    await verifier.close()
    const closedAt = performance.now()
    process.on('exit', () => console.log(performance.now() - closedAt))`
  const { stdout } = await execute(program)
  t.ok(Number(stdout) < 1500, `${stdout.trim()} ms`)
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
    await t.resolves(execute(program))
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
