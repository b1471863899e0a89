import { Redis } from 'ioredis'
import t from 'tap'
import { startRedis } from '@portcullis/test-kit'

function connect(t: { teardown(undo: () => unknown): unknown }, url: string): Redis {
  const client = new Redis(url, { retryStrategy: () => null, maxRetriesPerRequest: 0 })
  client.on('error', () => undefined)
  t.teardown(() => client.disconnect())
  return client
}

t.test('a server of its own, with logical databases, that ends with its test', async (t) => {
  let port = 0
  await t.test('inside', async (t) => {
    const redis = await startRedis(t)
    port = redis.port
    const zero = connect(t, redis.url())
    await zero.set('k', 'zero')
    t.equal(await connect(t, redis.url(1)).get('k'), null)
    t.equal(await zero.get('k'), 'zero')
  })
  await t.rejects(connect(t, `redis://127.0.0.1:${port}`).ping())
})

t.test('two servers do not know of each other', async (t) => {
  const [a, b] = await Promise.all([startRedis(t), startRedis(t)])
  await connect(t, a.url()).set('k', 'a')
  t.equal(await connect(t, b.url()).get('k'), null)
})

t.test('a killed server is gone, and comes back empty on the same port', async (t) => {
  const redis = await startRedis(t)
  await connect(t, redis.url()).set('k', 'v')
  await redis.kill()
  await t.rejects(connect(t, redis.url()).ping())
  await redis.restart()
  t.equal(await connect(t, redis.url()).get('k'), null)
})

t.test('a paused server answers only after it is resumed', async (t) => {
  const redis = await startRedis(t)
  const client = connect(t, redis.url())
  await client.ping()
  redis.pause()
  let answered = false
  const pong = client.ping().then(() => (answered = true))
  const other = await startRedis(t)
  await connect(t, other.url()).ping()
  t.equal(answered, false)
  redis.resume()
  await pong
})

t.test('a server that cannot start says why', async (t) => {
  const redis = await startRedis(t)
  await t.rejects(startRedis(t, { port: redis.port }), /did not start/)
  await t.rejects(startRedis(t, { args: ['--no-such-option', '1'] }), /no-such-option/)
})
