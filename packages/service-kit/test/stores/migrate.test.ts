import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import pg from 'pg'
import { DatabaseRefusal, migrate } from '@portcullis/service-kit'
import { createDatabase } from '@portcullis/test-kit'

const databaseUrl = await createDatabase(t, 'content')
const client = new pg.Client({ connectionString: databaseUrl })
await client.connect()
t.teardown(() => client.end())
t.beforeEach(async () => {
  await client.query('drop schema public cascade; create schema public')
})

const files = {
  '0001-first.sql': 'create table first (id int)',
  '0002-second.sql': 'create table second (id int); insert into second values (1);',
}
const tables = async () =>
  (
    await client.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
    )
  ).rows
    .map(({ name }) => name)
    .filter((name) => name !== 'migrations')

/** A database as somebody else has made it. */
async function databaseWith(t: Test, options: string): Promise<{ name: string; databaseUrl: string }> {
  const name = `migrate_${randomBytes(6).toString('hex')}`
  await client.query(`create database ${name} template template0 ${options}`)
  t.teardown(() => client.query(`drop database ${name} with (force)`))
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  return { name, databaseUrl: url.href }
}

/** What is said to an operator. */
async function refusalOf(migrating: Promise<unknown>): Promise<string> {
  const error: unknown = await migrating.catch((error: unknown) => error)
  if (error instanceof DatabaseRefusal) return error.message
  throw error
}

t.test('pending migrations are applied in order, once', async (t) => {
  const folder = t.testdir(files)
  const said: string[] = []
  const options = { databaseUrl, folder, log: (message: string) => said.push(message) }
  t.strictSame(await migrate(options), ['0001-first', '0002-second'])
  t.strictSame(said, ['applied 0001-first', 'applied 0002-second'])
  t.strictSame(await tables(), ['first', 'second'])
  t.strictSame(await migrate(options), [])
})

t.test('starters that come at the same time migrate once', async (t) => {
  const folder = t.testdir(files)
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate({ databaseUrl, folder })))
  t.strictSame(
    applied.flat().sort((a, b) => (a < b ? -1 : 1)),
    ['0001-first', '0002-second'],
  )
})

t.test('a migration that fails throws, and leaves the database as it was', async (t) => {
  const folder = t.testdir({ ...files, '0003-broken.sql': 'create table third (id int); select nonsense' })
  await t.rejects(migrate({ databaseUrl, folder }), /nonsense/)
  t.strictSame(await tables(), [])
})

t.test('a migration that comes late with an early number is refused', async (t) => {
  await migrate({
    databaseUrl,
    folder: t.testdir({ '0002-second.sql': files['0002-second.sql'] }),
  })
  await t.rejects(migrate({ databaseUrl, folder: t.testdir(files) }), /0001-first is preceding/)
})

t.test('a migration waits for nobody’s lock for long, and tries again', async (t) => {
  await migrate({
    databaseUrl,
    folder: t.testdir({ '0001-first.sql': files['0001-first.sql'] }),
  })
  const folder = t.testdir({
    '0001-first.sql': files['0001-first.sql'],
    '0002-change.sql': 'alter table first add column name text',
  })
  await client.query('begin; lock table first')
  const said: string[] = []
  const migrating = migrate({
    databaseUrl,
    folder,
    lockTimeoutMs: 50,
    log: (message) => {
      said.push(message)
      if (said.length === 2) void client.query('rollback')
    },
  })
  t.strictSame(await migrating, ['0002-change'])
  t.match(said, [/locked/, /locked/, 'applied 0002-change'])
})

t.test('a migration whose table stays locked gives up', async (t) => {
  await client.query('create table first (id int)')
  await client.query('begin; lock table first')
  const folder = t.testdir({ '0001-change.sql': 'alter table first add column name text' })
  await t.rejects(migrate({ databaseUrl, folder, lockTimeoutMs: 10 }), { code: '55P03' })
  await client.query('rollback')
})

t.test('a database without UTF-8 is refused, and how to make one is said', async (t) => {
  const { name, databaseUrl } = await databaseWith(t, "encoding 'LATIN1' locale 'C' locale_provider libc")
  const said = await refusalOf(migrate({ databaseUrl, folder: t.testdir(files) }))
  t.match(said, `the database ${name} has the encoding LATIN1, and UTF8 is needed: drop it or `)
  t.match(
    said,
    "template template0 encoding 'UTF8' locale 'C' locale_provider builtin builtin_locale 'C.UTF-8'",
  )
})

t.test('a database whose lower case of I is not i is refused, since names would not be unique', async (t) => {
  for (const locale of ['tr-TR', 'az']) {
    const { name, databaseUrl } = await databaseWith(t, `locale_provider icu icu_locale '${locale}'`)
    const said = await refusalOf(migrate({ databaseUrl, folder: t.testdir(files) }))
    t.match(said, `the database ${name} has a locale whose lower case of A to Z is not a to z`)
  }
})

t.test('a database of another locale in which A to Z are lowered to a to z is taken', async (t) => {
  for (const locale of ["icu icu_locale 'en-US'", "icu icu_locale 'de-DE'", "libc locale 'C'"]) {
    const { databaseUrl } = await databaseWith(t, `locale_provider ${locale}`)
    t.equal((await migrate({ databaseUrl, folder: t.testdir(files) })).length, 2, locale)
  }
})

t.test('a database with the migrations of another service is refused, and stays as it is', async (t) => {
  await migrate({ databaseUrl, folder: t.testdir(files) })
  const others = t.testdir({ '0001-other.sql': 'create table other (id int)' })
  t.match(
    await refusalOf(migrate({ databaseUrl, folder: others })),
    /^the database test_content_\w+ holds the migrations of another service: each needs a database of its own$/,
  )
  t.strictSame(await tables(), ['first', 'second'])
})

t.test('a version takes a database that a newer one has brought forward', async (t) => {
  await migrate({ databaseUrl, folder: t.testdir(files) })
  const older = t.testdir({ '0001-first.sql': files['0001-first.sql'] })
  t.strictSame(await migrate({ databaseUrl, folder: older }), [])
})
