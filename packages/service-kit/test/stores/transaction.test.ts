import { Kysely, PostgresDialect, sql } from 'kysely'
import t from 'tap'
import {
  ProblemError,
  createPool,
  databaseErrorOf,
  databaseFailure,
  isUniqueViolation,
  transact,
} from '@portcullis/service-kit'
import { createDatabase, startProxy } from '@portcullis/test-kit'
import { until } from '../support/until.ts'

const url = await createDatabase(t, 'content')
const proxy = await startProxy(t, url)
const pool = createPool({ url: proxy.url, name: 'test', poolSize: 2 })
const db = new Kysely<{ things: { name: string } }>({ dialect: new PostgresDialect({ pool }) })
const direct = createPool({ url, name: 'direct', poolSize: 1 })
t.teardown(async () => {
  await pool.end()
  await direct.end()
})
await direct.query('create table things (name text primary key)')

const insert = (name: string) => transact(db, (trx) => trx.insertInto('things').values({ name }).execute())
const names = async () =>
  (await direct.query<{ name: string }>('select name from things order by 1')).rows.map((r) => r.name)
const codeOf = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof ProblemError ? error.code : error
}

t.test('what the work returns is the outcome of the commit', async (t) => {
  const outcome = await transact(db, async (trx) => {
    await trx.insertInto('things').values({ name: 'one' }).execute()
    return 'refused, but kept'
  })
  t.equal(outcome, 'refused, but kept')
  t.strictSame(await names(), ['one'])
})

t.test('what the work throws undoes it', async (t) => {
  await t.rejects(
    transact(db, async (trx) => {
      await trx.insertInto('things').values({ name: 'two' }).execute()
      throw new Error('no')
    }),
    { message: 'no' },
  )
  t.strictSame(await names(), ['one'])
})

t.test('errors of PostgreSQL keep their code and constraint', async (t) => {
  const error = await insert('one').catch((reason: unknown) => reason)
  t.strictSame(databaseErrorOf(error), { code: '23505', constraint: 'things_pkey' })
  t.ok(isUniqueViolation(error))
  t.ok(isUniqueViolation(error, 'things_pkey'))
  t.notOk(isUniqueViolation(error, 'other'))
  t.equal(databaseFailure(error), undefined)
  t.equal(databaseErrorOf(new Error('x')), undefined)
})

t.test('who is chosen to give way in a deadlock gets a conflict', async (t) => {
  await direct.query(`insert into things values ('a'), ('b')`)
  const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const lock = (first: string, second: string, mine: number) =>
    transact(db, async (trx) => {
      await sql`select from things where name = ${first} for update`.execute(trx)
      both[mine]?.resolve()
      await both[1 - mine]?.promise
      await sql`select from things where name = ${second} for update`.execute(trx)
    })
  await sql`alter database ${sql.id(new URL(url).pathname.slice(1))} set deadlock_timeout = '20ms'`.execute(
    db,
  )
  const codes = await Promise.all([codeOf(lock('a', 'b', 0)), codeOf(lock('b', 'a', 1))])
  t.ok(codes.includes('CONFLICT') || codes.includes('UNAVAILABLE'), String(codes))
  await direct.query(`delete from things where name in ('a', 'b')`)
})

t.test('a connection lost before the commit means that nothing was done', async (t) => {
  proxy.cutAt('things')
  t.equal(await codeOf(insert('three')), 'UNAVAILABLE')
  t.strictSame(await names(), ['one'])
})

t.test('a connection lost during the commit leaves open whether it was done', async (t) => {
  proxy.cutAt('commit')
  t.equal(await codeOf(insert('four')), 'OUTCOME_UNKNOWN')
})

t.test('no connection is lost for good by any of this', async (t) => {
  for (let i = 0; i < 5; i++) {
    proxy.cutAt(i % 2 === 0 ? 'commit' : 'things')
    await codeOf(insert(`lost ${i}`))
  }
  await Promise.all(['x', 'y', 'z'].map(insert))
  t.equal(pool.waitingCount, 0)
  t.equal(pool.idleCount, pool.totalCount)
})

t.test('a database that is away is told at once, and is used again when it is back', async (t) => {
  await proxy.cut()
  t.equal(await codeOf(insert('away')), 'UNAVAILABLE')
  await proxy.mend()
  await until(async () => (await codeOf(insert('back'))) === undefined)
  t.ok((await names()).includes('back'))
})

t.test('errors of the driver are told apart', async (t) => {
  const failure = (message: string, code?: string) =>
    databaseFailure(Object.assign(new Error(message), code === undefined ? {} : { code }))
  t.equal(failure('connect', 'ECONNREFUSED'), 'unavailable')
  t.equal(failure('too many', '53300'), 'unavailable')
  t.equal(failure('timeout exceeded when trying to connect'), 'unavailable')
  t.equal(failure('timeout expired'), 'unavailable')
  t.equal(failure('read', 'ECONNRESET'), 'lost')
  t.equal(failure('terminating connection', '57P01'), 'lost')
  t.equal(failure('Query read timeout'), 'lost')
  t.equal(failure('could not serialize', '40001'), 'conflict')
  for (const code of [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'CERT_HAS_EXPIRED',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'SELF_SIGNED_CERT_IN_CHAIN',
  ])
    t.equal(failure('of a certificate', code), 'unavailable')
  for (const code of ['ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'EPROTO'])
    t.equal(failure('of the protocol', code), 'lost')
  t.equal(failure('The server does not support SSL connections'), 'unavailable')
  t.equal(failure('There was an error establishing an SSL connection'), 'unavailable')
  t.equal(failure('syntax error', '42601'), undefined)
  t.equal(failure('something else'), undefined)
  t.equal(databaseFailure('text'), undefined)
  t.equal(
    databaseFailure(new AggregateError([Object.assign(new Error('x'), { code: 'ECONNREFUSED' })])),
    'unavailable',
  )
})

t.test('what a proxy says is told apart by when it says so', (t) => {
  const failure = (message: string, severity = 'FATAL') =>
    databaseFailure(Object.assign(new Error(message), { code: '08P01', severity }))
  for (const message of [
    'server login has been failing, try again later (server_login_retry)',
    'unsupported startup parameter: statement_timeout',
    'no such database: auth',
    'no more connections allowed (max_client_conn)',
    'query_wait_timeout',
  ])
    t.equal(failure(message), 'unavailable', message)
  t.equal(failure('server conn crashed?'), 'lost')
  t.equal(failure('invalid message format', 'ERROR'), undefined)
  t.end()
})
