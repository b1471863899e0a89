import { randomBytes } from 'node:crypto'
import pg from 'pg'
import t, { type Test } from 'tap'
import { DatabaseRefusal } from '../../src/stores/database-refusal.ts'
import { provisionDatabase } from '../../src/stores/provision.ts'

const adminUrl = process.env['TEST_POSTGRES_URL'] ?? ''

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

function urlFor(t: Test, password: string): string {
  const name = `provision_${randomBytes(6).toString('hex')}`
  t.teardown(async () => {
    await query(adminUrl, `drop database if exists ${name} with (force)`)
    await query(adminUrl, `drop role if exists ${name}`)
  })
  const url = new URL(adminUrl)
  url.username = name
  url.password = password
  url.pathname = `/${name}`
  return url.href
}

t.test('a service owns its database, and no other service can connect to it', async (t) => {
  const [auth, content] = [urlFor(t, "it's p@ss:word/"), urlFor(t, 'secret')]
  t.equal(await provisionDatabase({ adminUrl, databaseUrl: auth }), true)
  t.equal(await provisionDatabase({ adminUrl, databaseUrl: content }), true)
  await query(auth, 'create table things (id int)')

  const stranger = new URL(auth)
  stranger.username = new URL(content).username
  stranger.password = 'secret'
  await t.rejects(query(stranger.href, 'select 1'), { code: '42501' })
})

t.test('the role of a service can make neither roles nor databases', async (t) => {
  const databaseUrl = urlFor(t, 'secret')
  await provisionDatabase({ adminUrl, databaseUrl })
  await t.rejects(query(databaseUrl, 'create role provision_more'), { code: '42501' })
  await t.rejects(query(databaseUrl, 'create database provision_more'), { code: '42501' })
})

t.test('a second run keeps what is there and sets the password', async (t) => {
  const databaseUrl = urlFor(t, 'first')
  await provisionDatabase({ adminUrl, databaseUrl })
  await query(databaseUrl, 'create table things (id int); insert into things values (7)')

  const changed = new URL(databaseUrl)
  changed.password = 'second'
  t.equal(await provisionDatabase({ adminUrl, databaseUrl: changed.href }), false)
  t.strictSame(await query(changed.href, 'select id from things'), [{ id: 7 }])
})

t.test('a URL without a role, a password or a database is refused', async (t) => {
  for (const databaseUrl of ['postgres://h/db', 'postgres://role@h/db', 'postgres://role:secret@h/'])
    await t.rejects(provisionDatabase({ adminUrl, databaseUrl }), /names no role/)
})

t.test('starters that come at the same time make everything once', async (t) => {
  const databaseUrl = urlFor(t, 'secret')
  const made = await Promise.all(
    Array.from({ length: 4 }, () => provisionDatabase({ adminUrl, databaseUrl })),
  )
  t.equal(made.filter(Boolean).length, 1)
})

t.test('an administrator who may make no roles is told so', async (t) => {
  const limited = urlFor(t, 'secret')
  await provisionDatabase({ adminUrl, databaseUrl: limited })
  const error: unknown = await provisionDatabase({
    adminUrl: limited,
    databaseUrl: urlFor(t, 'other'),
  }).catch((error: unknown) => error)
  t.ok(error instanceof DatabaseRefusal)
  t.match(error, { message: /^the role of POSTGRES_ADMIN_URL may not .*: permission denied to create role$/ })
})
