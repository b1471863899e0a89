import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Cache, cacheKey, connectRedis, connectSubscriber, untilRedisReady } from '@portcullis/service-kit'
import { startRedis, type TestRedis } from '@portcullis/test-kit'
import { until } from '../support/until.ts'

const server = await startRedis(t)

/** An instance of a service with a cache, over a table of one number that all instances share. */
async function instance(t: Test, redis: TestRedis, source: { value: number }, ttlMs?: number) {
  const client = connectRedis(redis.url(), { name: 'cache' })
  const subscriber = connectSubscriber(client, redis.url(), 'push', cacheKey(t.name))
  const cache = new Cache({ name: t.name, redis: client, subscriber, ...(ttlMs !== undefined && { ttlMs }) })
  t.teardown(() => {
    cache.close()
    client.disconnect()
  })
  let loads = 0
  const read = async (load: () => Promise<string | undefined> = async () => String(source.value)) =>
    cache.get(['number'], 'n', () => {
      loads += 1
      return load()
    })
  const write = async (value: number) => {
    source.value = value
    await cache.raise('number')
  }
  /** Waits until the value is remembered, in this process and in Redis. */
  const warm = async () => {
    await until(async () => {
      if (!cache.isShared) return false

      const before = loads
      await read()
      return loads === before
    })
  }
  return { cache, read, write, warm, loads: () => loads }
}

t.test('a value that was read is not queried again', async (t) => {
  const one = await instance(t, server, { value: 1 })
  await one.warm()
  const before = one.loads()
  for (let i = 0; i < 100; i++) t.equal(await one.read(), '1')
  t.equal(one.loads(), before)
})

t.test('another instance finds in Redis what the first has read', async (t) => {
  const source = { value: 1 }
  const [one, two] = [await instance(t, server, source), await instance(t, server, source)]
  await two.warm()
  await two.write(2)
  await one.warm()
  const before = two.loads()
  t.equal(await two.read(), '2')
  t.equal(two.loads(), before)
})

t.test('a write is visible to the next read of its instance', async (t) => {
  const one = await instance(t, server, { value: 0 })
  await one.warm()
  for (let value = 1; value <= 200; value++) {
    await one.write(value)
    t.equal(await one.read(), String(value))
  }
})

t.test('a write is visible on every other instance within 100 ms', async (t) => {
  const source = { value: 0 }
  const [one, two] = [await instance(t, server, source), await instance(t, server, source)]
  await Promise.all([one.warm(), two.warm()])
  const delays: number[] = []
  for (let value = 1; value <= 50; value++) {
    await two.read()
    await one.write(value)
    const written = performance.now()
    await until(async () => (await two.read()) === String(value))
    delays.push(performance.now() - written)
  }
  // The median: a busy machine can stop the whole test for a moment.
  const median = delays.sort((a, b) => a - b)[delays.length / 2] ?? Infinity
  t.ok(median <= 100, `${median} ms`)
})

t.test('a hundred who ask for what nobody remembers make one query', async (t) => {
  const one = await instance(t, server, { value: 1 })
  await one.warm()
  await one.write(2)
  const before = one.loads()
  const { promise, resolve } = Promise.withResolvers<string>()
  const reads = Array.from({ length: 100 }, () => one.read(() => promise))
  await until(() => one.loads() > before)
  resolve('2')
  t.ok((await Promise.all(reads)).every((value) => value === '2'))
  t.equal(one.loads(), before + 1)
})

t.test('a slow reader never puts back what a write has made void', async (t) => {
  const source = { value: 1 }
  const [one, two] = [await instance(t, server, source), await instance(t, server, source)]
  await Promise.all([one.warm(), two.warm()])
  await one.write(1)
  const { promise, resolve } = Promise.withResolvers<string>()
  const before = one.loads()
  const slow = one.read(() => promise)
  await until(() => one.loads() > before)
  await one.write(2)
  t.equal(await one.read(), '2', 'who comes after the write does not wait for who came before')
  resolve('1')
  t.equal(await slow, '1')
  for (const reader of [one, two]) {
    await until(async () => (await reader.read()) === '2')
    for (let i = 0; i < 50; i++) t.equal(await reader.read(), '2')
  }
})

t.test('what is not there is not remembered', async (t) => {
  const one = await instance(t, server, { value: 1 })
  await one.warm()
  await one.write(1)
  const before = one.loads()
  t.equal(await one.read(async () => undefined), undefined)
  t.equal(await one.read(), '1')
  t.equal(one.loads(), before + 2)
})

t.test('an error of the query reaches all who asked, and is not remembered', async (t) => {
  const one = await instance(t, server, { value: 1 })
  await one.warm()
  await one.write(1)
  const failing = Array.from({ length: 3 }, () =>
    one.read(async () => {
      throw new Error('away')
    }),
  )
  for (const read of failing) await t.rejects(read, { message: 'away' })
  t.equal(await one.read(), '1')
})

t.test('an entry depends on both of its topics', async (t) => {
  const one = await instance(t, server, { value: 1 })
  await one.warm()
  let loads = 0
  const read = async () => one.cache.get(['post 1', 'authors'], 'post 1', async () => String(++loads))
  const isRemembered = async () => (await read()) === (await read())
  for (const topic of ['post 1', 'authors']) {
    await until(isRemembered)
    const before = loads
    await one.cache.raise('post 2')
    await read()
    t.equal(loads, before, 'another topic leaves it alone')
    await one.cache.raise(topic)
    await read()
    t.equal(loads, before + 1)
  }
})

t.test('without Redis everything is answered, rightly and in milliseconds', async (t) => {
  const redis = await startRedis(t)
  const source = { value: 0 }
  const [one, two] = [await instance(t, redis, source), await instance(t, redis, source)]
  await Promise.all([one.warm(), two.warm()])
  await redis.kill()
  const started = performance.now()
  for (let value = 1; value <= 20; value++) {
    await one.write(value)
    t.equal(await one.read(), String(value))
  }
  t.ok(performance.now() - started < 1500)
  await until(async () => (await two.read()) === '20')
  for (let value = 21; value <= 40; value++) {
    await one.write(value)
    t.equal(await two.read(), String(value), 'not even another instance remembers what is old')
  }
})

t.test('a Redis that comes back is used again, and nothing from before counts', async (t) => {
  const redis = await startRedis(t)
  const source = { value: 1 }
  const [one, two] = [await instance(t, redis, source), await instance(t, redis, source)]
  await Promise.all([one.warm(), two.warm()])
  await redis.kill()
  await one.write(2)
  await redis.restart()
  for (let i = 0; i < 200; i++) t.equal(await two.read(), '2')
  await Promise.all([one.warm(), two.warm()])
  t.equal(await two.read(), '2')
})

t.test(
  'what a Redis forgot of a change, as one that comes back from a snapshot, does not count',
  async (t) => {
    const redis = await startRedis(t, { args: ['--dir', t.testdir()] })
    const source = { value: 1 }
    const one = await instance(t, redis, source)
    await one.warm()
    const admin = connectRedis(redis.url(), { name: 'admin' })
    t.teardown(() => admin.disconnect())
    await untilRedisReady(admin)
    await admin.save()
    await one.write(2)
    await redis.restart()
    await untilRedisReady(admin)
    t.equal(await admin.exists(`${cacheKey(t.name)}:e:n`), 1, 'the value of before is there')
    const two = await instance(t, redis, source)
    await until(() => two.cache.isShared)
    t.equal(await two.read(), '2')
  },
)

t.test(
  'a Redis that stands still delays one answer, and what was written meanwhile is seen after',
  async (t) => {
    const redis = await startRedis(t)
    const source = { value: 1 }
    const [one, two] = [await instance(t, redis, source), await instance(t, redis, source)]
    await Promise.all([one.warm(), two.warm()])
    redis.pause()
    const started = performance.now()
    for (let value = 2; value <= 20; value++) await one.write(value)
    t.equal(await one.read(), '20')
    t.ok(performance.now() - started < 1500)
    await until(async () => (await two.read()) === '20')
    await one.write(21)
    redis.resume()
    for (let i = 0; i < 200; i++) t.equal(await two.read(), '21')
    await two.warm()
    t.equal(await two.read(), '21')
  },
)

t.test('what an instance remembers of before it could not be heard does not count after', async (t) => {
  const redis = await startRedis(t)
  const source = { value: 1 }
  const [one, two] = [await instance(t, redis, source), await instance(t, redis, source)]
  await Promise.all([one.warm(), two.warm()])
  const admin = connectRedis(redis.url(), { name: 'admin' })
  t.teardown(() => admin.disconnect())
  await untilRedisReady(admin)
  const from = performance.now()
  await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await until(() => !two.cache.isShared)
  await one.write(2)
  await until(() => two.cache.isShared)
  t.ok(performance.now() - from >= 2000, 'others have two seconds to say what changed meanwhile')
  t.equal(await two.read(), '2')
})

t.test('a Redis that does not answer at the start is used as soon as it does', async (t) => {
  const redis = await startRedis(t)
  const client = connectRedis(redis.url(), { name: 'cache' })
  const subscriber = connectSubscriber(client, redis.url(), 'push', cacheKey(t.name))
  await Promise.all([untilRedisReady(client), untilRedisReady(subscriber)])
  redis.pause()
  const cache = new Cache({ name: t.name, redis: client, subscriber })
  t.teardown(() => {
    cache.close()
    client.disconnect()
  })
  t.equal(await cache.get(['number'], 'n', async () => '1'), '1')
  // What was asked first has failed by now: it may take 150 ms.
  await t.rejects(client.ping())
  redis.resume()
  await until(() => cache.isShared)
})

t.test('a cache that nobody reads leaves Redis alone, and is as it was for whoever comes then', async (t) => {
  const redis = await startRedis(t)
  const source = { value: 1 }
  const ttlMs = 300
  const one = await instance(t, redis, source, ttlMs)
  const admin = connectRedis(redis.url(), { name: 'admin' })
  t.teardown(() => admin.disconnect())
  await untilRedisReady(admin)
  const asked = async () => Number(/cmdstat_exists:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1])
  await one.warm()
  await until(async () => {
    const before = await asked()
    await sleep(120)
    return (await asked()) === before
  })
  const two = await instance(t, redis, source, ttlMs)
  await two.write(2)
  t.equal(await one.read(), '2')
  await one.warm()
  await two.write(3)
  await until(async () => (await one.read()) === '3')
})

t.test('an emptied Redis costs a query and no more', async (t) => {
  const one = await instance(t, server, { value: 1 })
  await one.warm()
  const admin = connectRedis(server.url(), { name: 'admin' })
  t.teardown(() => admin.disconnect())
  await untilRedisReady(admin)
  await one.write(2)
  await admin.flushall()
  t.equal(await one.read(), '2')
  await one.write(3)
  t.equal(await one.read(), '3')
})

t.test('messages of strangers change nothing', async (t) => {
  const one = await instance(t, server, { value: 1 })
  await one.warm()
  const stranger = connectRedis(server.url(), { name: 'stranger' })
  t.teardown(() => stranger.disconnect())
  await untilRedisReady(stranger)
  for (const message of ['', '{', '{}', '[1]', '["x"]']) await stranger.publish(`cache:${t.name}`, message)
  t.equal(await one.read(), '1')
})
