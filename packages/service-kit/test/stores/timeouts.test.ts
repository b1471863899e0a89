import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import t from 'tap'
import { createPool, databaseFailure, Pipeline } from '@portcullis/service-kit'
import { createDatabase, type Teardown } from '@portcullis/test-kit'

const url = new URL(await createDatabase(t, 'content'))
const READ = `select current_setting('statement_timeout') statement, current_setting('lock_timeout') lock,
  current_setting('idle_in_transaction_session_timeout') idle`
const WANTED = [{ statement: '900ms', lock: '850ms', idle: '1s' }]

type Harm = 'none' | 'stall' | 'cut'

/** Stands before the database, keeps what connections begin with, and harms them where timeouts are set. */
async function startWitness(t: Teardown, harm: Harm = 'none') {
  const beginnings: string[] = []
  const server = createServer((client) => {
    const upstream = connect(Number(url.port), url.hostname)
    client.once('data', (chunk) => beginnings.push(chunk.toString('latin1')))
    client.on('data', (chunk) => {
      if (harm === 'none' || !chunk.includes('set_config')) upstream.write(chunk)
      else if (harm === 'cut') client.resetAndDestroy()
    })
    upstream.on('data', (chunk) => client.write(chunk))
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.on('error', () => undefined)
      socket.on('close', () => other.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  const place = new URL(url)
  place.hostname = '127.0.0.1'
  place.port = String(typeof address === 'object' ? address?.port : '')
  return { beginnings, options: { url: place.href, name: 'test', poolSize: 1 } }
}

t.test('connections have their timeouts, though PgBouncer knows none when they begin', async (t) => {
  const { options, beginnings } = await startWitness(t)
  const pool = createPool(options)
  const pipeline = new Pipeline(options)
  t.teardown(() => Promise.all([pool.end(), pipeline.close()]))
  t.strictSame((await pool.query(READ)).rows, WANTED)
  t.strictSame(await pipeline.query({ text: READ }), WANTED)
  t.ok(beginnings.length >= 2)
  for (const beginning of beginnings) {
    t.match(beginning, /application_name/)
    t.notMatch(beginning, /timeout/)
  }
})

t.test('a patient pool has none', async (t) => {
  const pool = createPool({ url: url.href, name: 'test', isPatient: true })
  t.teardown(() => pool.end())
  t.strictSame((await pool.query(READ)).rows, [{ statement: '0', lock: '0', idle: '0' }])
})

for (const harm of ['stall', 'cut'] as const)
  t.test(
    `a connection whose timeouts cannot be set is not used, and nothing was done (${harm})`,
    async (t) => {
      const { options } = await startWitness(t, harm)
      const pool = createPool(options)
      const pipeline = new Pipeline(options)
      t.teardown(() => Promise.all([pool.end(), pipeline.close()]))
      for (const work of [() => pool.query(READ), () => pipeline.query({ text: READ })]) {
        const began = performance.now()
        const error: unknown = await work().then(
          () => undefined,
          (reason: unknown) => reason,
        )
        t.match(error, { message: /could not be set up/ })
        t.equal(databaseFailure(error), 'unavailable')
        t.ok(performance.now() - began < 1500)
      }
      t.equal(pool.totalCount, 0)
    },
  )
