import { once } from 'node:events'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { connectRedis, rateLimit, untilRedisReady, type RateLimitOptions } from '@portcullis/service-kit'
import { startRedis, type TestRedis } from '@portcullis/test-kit'
import { RequestCounter } from '../../src/limits/counter.ts'
import { appWithRoutes } from '../support/app.ts'
import { asProblem } from '../support/problem.ts'
import { until } from '../support/until.ts'

const server = await startRedis(t)

/** An instance that limits; the caller is told by a header. */
async function instance(t: Test, options: Partial<RateLimitOptions>, redis?: TestRedis) {
  const client = redis && connectRedis(redis.url(), { name: 'limits' })
  const app = appWithRoutes({})
  app.register(rateLimit, {
    max: 100,
    prefix: `${t.name}:`,
    keyOf: ({ headers }) => (typeof headers['x-caller'] === 'string' ? headers['x-caller'] : undefined),
    ...(client && { redis: client }),
    ...options,
  })
  app.register(async (scope) => {
    scope.get('/free', { config: { rateLimit: false } }, async () => 'ok')
    scope.get('/own', { config: { rateLimitKey: () => 'own' } }, async () => 'ok')
  })
  t.teardown(async () => {
    await app.close()
    client?.disconnect()
  })
  await app.ready()
  if (client) await untilRedisReady(client)
  const ask = (caller: string, url = '/things') => app.inject({ url, headers: { 'x-caller': caller } })
  const passed = async (times: number, caller = 'ada') => {
    let count = 0
    for (let i = 0; i < times; i++) if ((await ask(caller)).statusCode === 200) count += 1
    return count
  }
  return { app, ask, passed }
}

t.test('request 101 of a minute is refused, and says when to come back', async (t) => {
  const { ask, passed } = await instance(t, {}, server)
  const first = await ask('ada')
  t.equal(first.headers['ratelimit-policy'], '"default";q=100;w=60')
  t.equal(first.headers['ratelimit'], '"default";r=99;t=60')
  t.equal(first.headers['retry-after'], undefined)
  t.equal(await passed(99), 99)
  const refused = await ask('ada')
  t.equal(refused.statusCode, 429)
  t.equal(asProblem(t, refused).code, 'RATE_LIMITED')
  t.equal(refused.headers['ratelimit-policy'], '"default";q=100;w=60')
  t.match(refused.headers['ratelimit'], /^"default";r=0;t=\d+$/)
  t.match(refused.headers['retry-after'], /^([1-9]|[1-5]\d|60)$/)
  t.equal(Object.keys(refused.headers).filter((name) => name.startsWith('x-ratelimit')).length, 0)
  t.equal((await ask('eve')).statusCode, 200, 'others are not limited by it')
})

t.test('after the minute it begins anew', async (t) => {
  let now = 1000
  const { passed, ask } = await instance(t, { max: 3, now: () => now })
  t.equal(await passed(5), 3)
  now += 59_000
  t.equal((await ask('ada')).statusCode, 429)
  now += 1001
  t.equal(await passed(5), 3)
})

t.test('two instances together let as many pass as one, plus a quarter at the most', async (t) => {
  const [one, two] = [await instance(t, {}, server), await instance(t, {}, server)]
  let count = 0
  for (let i = 0; i < 150; i++) {
    const answers = await Promise.all([one.ask('ada'), two.ask('ada')])
    count += answers.filter(({ statusCode }) => statusCode === 200).length
  }
  t.ok(count >= 100 && count <= 125, `${count} passed`)
  t.equal(await one.passed(5), 0)
  t.equal(await two.passed(5), 0)
})

t.test('however many come at once, no more than the limit pass', async (t) => {
  const { ask } = await instance(t, {}, server)
  const answers = await Promise.all(Array.from({ length: 500 }, () => ask('ada')))
  t.equal(answers.filter(({ statusCode }) => statusCode === 200).length, 100)
})

t.test('an answer of Redis that is lost counts nothing twice', async (t) => {
  const own = await startRedis(t)
  const { passed } = await instance(t, { max: 40 }, own)
  const admin = connectRedis(own.url(), { name: 'admin' })
  t.teardown(() => admin.disconnect())
  await untilRedisReady(admin)
  // What is written meanwhile is carried out when the pause is over, and nobody waits for the answer so long.
  await admin.client('PAUSE', 400, 'ALL')
  t.equal(await passed(20), 20)
  await until(async () => Number((await admin.hvals(`${t.name}:ada`).catch(() => []))[0]) === 20)
  t.equal(await passed(30), 20)
})

t.test('what one instance has counted, another one knows a moment later', async (t) => {
  const [one, two] = [await instance(t, {}, server), await instance(t, {}, server)]
  t.equal(await one.passed(100), 100)
  await until(async () => (await two.ask('ada')).statusCode === 429)
  t.pass('also if it had not seen the caller before')
})

t.test('an instance that stops tells Redis of all that it has counted, however many called', async (t) => {
  // Waits for its answers, however long they take.
  const redis = new Redis((await startRedis(t)).url())
  t.teardown(() => redis.disconnect())
  await once(redis, 'ready')
  const counter = new RequestCounter({ redis, prefix: '', now: () => 1000 })
  for (let n = 0; n < 2500; n++) counter.addAtOnce(`caller ${n}`, 60_000, 100)
  await counter.close()
  t.equal(await redis.dbsize(), 2500)
})

t.test('most requests cost no round trip', async (t) => {
  const redis = await startRedis(t)
  const { passed } = await instance(t, { max: 1000 }, redis)
  const admin = connectRedis(redis.url(), { name: 'admin' })
  t.teardown(() => admin.disconnect())
  await untilRedisReady(admin)
  await admin.config('RESETSTAT')
  t.equal(await passed(500), 500)
  const calls = Number(/cmdstat_eval:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1] ?? 0)
  t.ok(calls <= 40, `${calls} calls`)
})

t.test(
  'with Redis killed each instance counts for itself: no more than the limit, no error, no delay',
  async (t) => {
    const redis = await startRedis(t)
    const { ask } = await instance(t, {}, redis)
    await redis.kill()
    let passed = 0
    let slowest = 0
    for (let i = 0; i < 150; i++) {
      const started = performance.now()
      const { statusCode } = await ask('ada')
      slowest = Math.max(slowest, performance.now() - started)
      if (statusCode === 200) passed += 1
      else t.equal(statusCode, 429)
    }
    t.equal(passed, 100)
    t.ok(slowest < 300, `${Math.round(slowest)} ms`)
  },
)

t.test('a Redis that stands still delays no answer beyond 300 ms', async (t) => {
  const redis = await startRedis(t)
  const { ask } = await instance(t, {}, redis)
  redis.pause()
  const began = performance.now()
  await Promise.all(Array.from({ length: 40 }, () => ask('eve')))
  const together = performance.now() - began
  // They all wait for one answer that does not come, and not one after the other.
  t.ok(together < 600, `40 together ${Math.round(together)} ms`)
  let passed = 0
  let slowest = 0
  for (let i = 0; i < 150; i++) {
    const started = performance.now()
    if ((await ask('ada')).statusCode === 200) passed += 1
    slowest = Math.max(slowest, performance.now() - started)
  }
  redis.resume()
  t.equal(passed, 100)
  t.ok(slowest < 300, `${Math.round(slowest)} ms`)
})

t.test('a Redis that comes back, empty, is told what was counted meanwhile', async (t) => {
  const redis = await startRedis(t)
  const [one, two] = [await instance(t, {}, redis), await instance(t, {}, redis)]
  await redis.kill()
  t.equal(await one.passed(90), 90)
  await redis.restart()
  const admin = connectRedis(redis.url(), { name: 'admin' })
  t.teardown(() => admin.disconnect())
  await untilRedisReady(admin)
  await until(async () => Number((await admin.hvals(`${t.name}:ada`))[0]) === 90)
  t.ok((await two.passed(100)) <= 35)
})

t.test('what Redis could not take is counted there when it can', async (t) => {
  let now = 0
  const redis = connectRedis(server.url(), { name: 'limits' })
  t.teardown(() => redis.disconnect())
  await untilRedisReady(redis)
  const prefix = `${t.name}:`
  const counter = new RequestCounter({ redis, prefix, now: () => now })
  await redis.set(`${prefix}ada`, 'no hash')
  // The last of them waits for Redis.
  for (let i = 0; i < 26; i++) await counter.add('ada', 60_000, 100)
  await redis.del(`${prefix}ada`)
  now += 1001
  await counter.close()
  t.strictSame(await redis.hvals(`${prefix}ada`), ['26'])
})

t.test('an instance that comes late counts in the window that has begun', async (t) => {
  const redis = connectRedis(server.url(), { name: 'limits' })
  t.teardown(() => redis.disconnect())
  await untilRedisReady(redis)
  const prefix = `${t.name}:`
  const [one, two] = [new RequestCounter({ redis, prefix }), new RequestCounter({ redis, prefix })]
  await one.add('ada', 60_000, 4)
  await one.close()
  t.equal(await redis.pexpire(`${prefix}ada`, 10_000), 1)
  await two.add('ada', 60_000, 4)
  // Now Redis has to be asked.
  const { current, ttl } = await two.add('ada', 60_000, 4)
  t.equal(current, 3)
  t.ok(ttl <= 10_000, `${ttl} ms`)
  await two.close()
})

t.test('a caller without a name counts by address, and IPv6 by its network', async (t) => {
  const { app } = await instance(t, { max: 2 })
  const from = (remoteAddress: string) => app.inject({ url: '/things', remoteAddress })
  for (const [address, other] of [
    ['192.0.2.1', '192.0.2.2'],
    ['2001:db8::1', '2001:db8:0:1::1'],
  ] as const) {
    await from(address)
    await from(address)
    t.equal((await from(address)).statusCode, 429)
    t.equal((await from(other)).statusCode, 200)
  }
  t.equal((await from('2001:db8::ffff')).statusCode, 429, 'the same /64')
})

t.test('a key that cannot be told falls back to the address', async (t) => {
  const { app } = await instance(t, {
    max: 1,
    keyOf: async () => {
      throw new Error('not a good token')
    },
  })
  t.equal((await app.inject('/things')).statusCode, 200)
  t.equal((await app.inject('/things')).statusCode, 429)
})

t.test('routes can opt out, or count by another key', async (t) => {
  const { ask, passed } = await instance(t, { max: 2 })
  t.equal(await passed(3), 2)
  for (let i = 0; i < 5; i++) t.equal((await ask('ada', '/free')).statusCode, 200)
  for (const url of ['/health/live', '/openapi.json', '/problems/NOT_FOUND'])
    t.equal((await ask('ada', url)).statusCode, 200, url)
  t.equal((await ask('ada', '/own')).statusCode, 200)
  t.equal((await ask('eve', '/own')).statusCode, 200)
  t.equal((await ask('bob', '/own')).statusCode, 429)
  t.equal((await ask('ada', '/nothing')).statusCode, 429, 'what is not there counts too')
})

t.test('a limit of 0 is none', async (t) => {
  const { ask, passed } = await instance(t, { max: 0 })
  t.equal(await passed(200), 200)
  t.equal((await ask('ada')).headers['ratelimit'], undefined)
})

t.test('callers are forgotten rather than remembered without end', async (t) => {
  const counter = new RequestCounter({ prefix: '' })
  const ask = async (caller: string) => (await counter.add(caller, 60_000, 1)).current
  t.equal(await ask('first'), 1)
  t.equal(await ask('first'), 2)
  for (let n = 0; n < 50_000; n++) await ask(`caller ${n}`)
  t.equal(await ask('first'), 1)
  t.equal(await ask('caller 49999'), 2)
})
