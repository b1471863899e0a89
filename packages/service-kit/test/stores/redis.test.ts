import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  Cache,
  cacheKey,
  connectRedis,
  connectSubscriber,
  primariesOf,
  untilRedisReady,
  sendAll,
  type RedisClient,
} from '@portcullis/service-kit'
import { startCluster, startRedis, startSentinels, type Teardown } from '@portcullis/test-kit'
import { until } from '../support/until.ts'

const KEYS = Array.from({ length: 50 }, (_, index) => `key:${index}`)

async function connect(t: Teardown, url: string) {
  const client = connectRedis(url, { name: 'test' })
  t.teardown(() => client.disconnect())
  if (!(await untilRedisReady(client, 10_000))) throw new Error('not ready')
  return client
}

/** A process that has so much to do that it reads nothing for longer than a command may take. */
async function answersWhoIsBusy(t: Test, client: RedisClient): Promise<void> {
  await client.set('busy', 'not lost')
  const answers = [client.get('busy'), client.pipeline().get('busy').exec()]
  const until = performance.now() + 500
  while (performance.now() < until) continue
  t.strictSame(await Promise.all(answers), ['not lost', [[null, 'not lost']]])
}

/** Two instances with a cache that share a Redis: what one changes the other does not remember. */
async function sharesCache(t: Test, url: string): Promise<void> {
  const instance = async () => {
    const client = await connect(t, url)
    const subscriber = connectSubscriber(client, url, 'push', cacheKey(t.name))
    const cache = new Cache({ name: t.name, redis: client, subscriber })
    t.teardown(() => cache.close())
    await until(() => cache.isShared)
    return cache
  }
  const [one, two] = [await instance(), await instance()]
  let value = 1
  const read = (cache: Cache) => cache.get(['number'], 'n', async () => String(value))
  for (let i = 0; i < 20; i++) {
    await Promise.all([read(one), read(two)])
    value += 1
    await one.raise('number')
    t.equal(await read(one), String(value))
    await sleep(100)
    t.equal(await read(two), String(value))
  }
}

t.test('a Cluster', async (t) => {
  const cluster = await startCluster(t, { primaries: 3, replicas: 0 })
  const url = cluster.url()
  const client = await connect(t, url)

  await t.test('commands for keys of every node are sent at once', async (t) => {
    t.equal(primariesOf(client).length, 3)
    const put = await sendAll(client, KEYS, (pipeline, key) => pipeline.set(key, key))
    t.ok(put.every(([error, result]) => error === null && result === 'OK'))
    const got = await sendAll(client, KEYS, (pipeline, key) => pipeline.get(key))
    t.strictSame(
      got.map(([, result]) => result),
      KEYS,
    )
  })

  await t.test('carries the cache of several instances', (t) => sharesCache(t, url))

  await t.test('answers a process that was busy meanwhile', (t) => answersWhoIsBusy(t, client))

  await t.test(
    'whatever the connection to the owner of a key says after it was closed ends no process',
    async (t) => {
      const subscriber = connectSubscriber(client, url, 'test', 'key')
      await until(() => subscriber.status === 'ready')
      const { stream } = subscriber
      subscriber.disconnect()
      for (const message of ['refused', 'alert'])
        t.doesNotThrow(() => stream.emit('error', new Error(message)))
    },
  )

  await t.test('a node that is away fails commands within the time that a request has', async (t) => {
    const owner = await cluster.ownerOf('lost')
    for (const harm of [async () => owner.pause(), () => owner.kill()]) {
      await harm()
      const began = performance.now()
      await t.rejects(client.get('lost'))
      const [[error] = []] = await sendAll(client, ['lost'], (pipeline, key) => pipeline.get(key))
      t.ok(error)
      t.ok(performance.now() - began < 2000)
    }
  })
})

t.test('a single Redis', async (t) => {
  const redis = await startRedis(t)
  const client = await connect(t, redis.url(0))

  await t.test('answers a process that was busy meanwhile', (t) => answersWhoIsBusy(t, client))

  await t.test('that is slow fails commands in time', async (t) => {
    redis.pause()
    const began = performance.now()
    await t.rejects(client.get('slow'), { message: 'Command timed out' })
    t.ok(performance.now() - began < 1000)
    redis.resume()
  })
})

t.test('a Redis behind Sentinels', async (t) => {
  const sentinels = await startSentinels(t)

  await t.test('carries the cache of several instances', (t) => sharesCache(t, sentinels.url()))

  await t.test('has another server after a failover, also when the old one is frozen', async (t) => {
    const client = await connect(t, sentinels.url())
    const leader = await sentinels.primary()
    leader.pause()
    await sentinels.untilFailover(leader)
    await until(async () => (await client.set('after', 'it').catch(() => undefined)) === 'OK')
    leader.resume()
    t.equal(await client.get('after'), 'it')
  })
})
