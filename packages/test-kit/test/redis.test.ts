import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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

/** Starts and kills servers. A number that is none of theirs would be that of its own group. */
const MANY = `
  import { startRedis } from '@portcullis/test-kit'
  for (let n = 0; n < 20; n++) await (await startRedis({ teardown: () => undefined })).kill()`

t.test('however soon a server is ready, it is the one that is killed', async (t) => {
  const server = join(t.testdir(), 'server')
  writeFileSync(server, '#!/bin/sh\necho Ready to accept connections\nexec sleep 60\n')
  chmodSync(server, 0o755)
  const child = spawn(
    process.execPath,
    ['--conditions=@portcullis/source', '--input-type=module', '-e', MANY],
    {
      cwd: import.meta.dirname,
      env: { ...process.env, TEST_REDIS_SERVER: server },
      detached: true,
      stdio: 'ignore',
    },
  )
  t.strictSame(await once(child, 'exit'), [0, null])
})
