import { startProxy } from '@portcullis/test-kit'
import t from 'tap'
import { freePort } from '../dev/ports.ts'
import { StopError } from '../dev/stop-error.ts'
import { givenPostgres, givenRedis } from '../dev/stores.ts'

const server = process.env['TEST_POSTGRES_URL'] ?? ''
const nobody = `127.0.0.1:${await freePort()}`

/** What the start says of a store that it cannot use. */
async function complaint(using: Promise<unknown>): Promise<string> {
  const error: unknown = await using.catch((error: unknown) => error)
  if (error instanceof StopError) return error.message
  throw error
}

t.test('a PostgreSQL that was given is taken when it answers', async (t) => {
  t.strictSame(await givenPostgres(server), { name: 'postgres', url: server })
})

t.test('a store that was given and does not answer is named in one line, with the reason', async (t) => {
  const stalled = await startProxy(t, server)
  stalled.stall()
  const stranger = new URL(server)
  stranger.password = 'hunter2'
  const postgres: Record<string, RegExp> = {
    [`postgres://u:hunter2@${nobody}/postgres`]: /ECONNREFUSED/,
    'postgresql://u:hunter2@nowhere.invalid/postgres': /ENOTFOUND|EAI_AGAIN/,
    [stranger.href]: /password authentication failed/,
    [stalled.url]: /timeout/,
    [`postgres://u:hunter2@${nobody}/postgres?sslrootcert=/nowhere`]: /no such file/,
  }
  for (const [url, reason] of Object.entries(postgres)) {
    const line = await complaint(givenPostgres(url))
    const { host, password } = new URL(url)
    t.match(line, `PostgreSQL at ${host} (POSTGRES_ADMIN_URL) cannot be reached: `)
    t.match(line, reason)
    t.notOk(line.includes(password) || line.includes('\n'), line)
  }
  const redis: Record<string, RegExp> = {
    [`redis://:hunter2@${nobody}`]: /ECONNREFUSED/,
    [`redis://:hunter2%@${nobody}`]: /URI malformed/,
  }
  for (const [url, reason] of Object.entries(redis)) {
    const line = await complaint(givenRedis(url))
    t.match(line, `Redis at ${nobody} (REDIS_URL) cannot be reached: `)
    t.match(line, reason)
    t.notMatch(line, 'hunter2')
  }
})

t.test('what is no URL of such a store is refused with the form that is wanted', async (t) => {
  const wrong = [
    'localhost:5432/postgres',
    'u:hunter2@localhost',
    'http://localhost:5432',
    'localhost',
    '/tmp/s',
  ]
  for (const url of wrong) {
    t.equal(
      await complaint(givenPostgres(url)),
      'POSTGRES_ADMIN_URL must be a URL such as postgres://user:password@host:5432/postgres',
      url,
    )
    t.equal(
      await complaint(givenRedis(url)),
      'REDIS_URL must be a URL such as redis://:password@host:6379',
      url,
    )
  }
})
