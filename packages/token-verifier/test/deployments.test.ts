import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cluster, Redis } from 'ioredis'
import t from 'tap'
import { freePort, startIssuer, startRedis, TEST_CLIENT, type Teardown } from '@portcullis/test-kit'
import {
  createVerifier,
  followerRedisOptions,
  systemClock,
  type CreateVerifierOptions,
} from '@portcullis/token-verifier'
import { TestRelay } from './support/relay.ts'
import { until } from './support/until.ts'

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

t.test('Redis Cluster carries the log', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cluster-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const own = ['--cluster-announce-ip', '127.0.0.1', '--cluster-config-file', join(folder, 'nodes.conf')]
  const args = ['--cluster-enabled', 'yes', ...own]
  const redis = await startRedis(t, { args })
  const admin = new Redis(redis.url())
  t.teardown(() => admin.disconnect())
  await admin.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16383)
  await until(async () => String(await admin.call('CLUSTER', 'INFO')).includes('cluster_state:ok'))
  const nodes = [{ host: '127.0.0.1', port: redis.port }]
  const connect = () => {
    // A cluster connects to a node when it first has a command for it, and queues that meanwhile.
    const redisOptions = { ...followerRedisOptions, enableOfflineQueue: true }
    return new Cluster(nodes, { lazyConnect: true, clusterRetryStrategy: null, redisOptions })
  }
  const { errors } = await follows(t, redis.url(), { redis: connect })
  t.strictSame(errors, [])
})

t.test('Redis behind Sentinel carries the log', async (t) => {
  const redis = await startRedis(t)
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'sentinel-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const sentinel = await startRedis(t, { port, args: ['--sentinel'], config: join(folder, 'sentinel.conf') })
  const admin = new Redis(sentinel.url())
  t.teardown(() => admin.disconnect())
  await admin.call('SENTINEL', 'MONITOR', 'log', '127.0.0.1', redis.port, 1)
  const sentinels = [{ host: '127.0.0.1', port: sentinel.port }]
  const connect = () => new Redis({ sentinels, name: 'log', db: 1, ...followerRedisOptions })
  const { errors } = await follows(t, redis.url(1), { redis: connect })
  t.strictSame(errors, [])
})
