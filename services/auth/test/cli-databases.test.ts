import { randomBytes } from 'node:crypto'
import pg from 'pg'
import t, { type Test } from 'tap'
import { createDatabase, startProxy } from '@portcullis/test-kit'
import { runPortcullis, spawnPortcullis } from './support/portcullis.ts'

const adminUrl = process.env['TEST_POSTGRES_URL'] ?? ''
const admin = new pg.Client({ connectionString: adminUrl })
await admin.connect()
t.teardown(() => admin.end())

const run = (command: string, env: Readonly<Record<string, string>>) =>
  runPortcullis({ env: { POSTGRES_ADMIN_URL: adminUrl } }, [command], env)

/** The URL of a role and a database that are not there yet. */
function newUrl(t: Test): string {
  const name = `cli_${randomBytes(6).toString('hex')}`
  t.teardown(async () => {
    await admin.query(`drop database if exists ${name} with (force)`)
    await admin.query(`drop role if exists ${name}`)
  })
  const url = new URL(adminUrl)
  url.username = name
  url.password = 'hunter2'
  url.pathname = name
  return url.href
}

t.test('databases are made and brought forward, and a second run has nothing to do', async (t) => {
  const urls = { DATABASE_URL: newUrl(t), CONTENT_DATABASE_URL: newUrl(t) }
  t.match(await run('provision', urls), { code: 0, out: /^auth: made .*\ncontent: made / })
  t.match(await run('migrate', urls), { code: 0, out: /^auth: 0001-users .*\ncontent: 0001-authors / })
  t.match(await run('provision', urls), { code: 0, out: /^auth: the database is there\n/ })
  t.match(await run('migrate', urls), { code: 0, out: 'auth: up to date\ncontent: up to date\n' })
})

t.test('those who provision the same at the same time all succeed', async (t) => {
  const env = { POSTGRES_ADMIN_URL: adminUrl, DATABASE_URL: newUrl(t), CONTENT_DATABASE_URL: newUrl(t) }
  const runs = await Promise.all([1, 2].map(() => spawnPortcullis({ env }, ['provision'])))
  for (const { code, err } of runs) t.match({ code, err }, { code: 0, err: '' })
})

t.test('a URL that does not tell all that is to be made is named, with 78', async (t) => {
  const DATABASE_URL = newUrl(t)
  for (const wrong of ['postgres://h/db', 'postgres://role@h/db', 'postgres://role:hunter2@h/']) {
    const { code, err } = await run('provision', { DATABASE_URL, CONTENT_DATABASE_URL: wrong })
    t.equal(code, 78, wrong)
    t.match(
      err,
      /^configuration: CONTENT_DATABASE_URL must name the role, its password and the database .*\n$/,
    )
    t.notMatch(err, 'hunter2')
  }
})

t.test('an administrator who may make no roles is told so in one line', async (t) => {
  const limited = newUrl(t)
  await run('provision', { DATABASE_URL: limited })
  const { code, err } = await run('provision', { POSTGRES_ADMIN_URL: limited, DATABASE_URL: newUrl(t) })
  t.equal(code, 1)
  t.match(err, /^error: the role of POSTGRES_ADMIN_URL may not .*: permission denied to create role\n$/)
})

t.test('a server that takes connections and does not answer is told in one line', async (t) => {
  const proxy = await startProxy(t, adminUrl)
  proxy.stall()
  const env = { POSTGRES_ADMIN_URL: proxy.url, DATABASE_URL: proxy.url }
  for (const { code, err } of await Promise.all([run('provision', env), run('migrate', env)])) {
    t.equal(code, 1)
    t.match(err, /^error: the database does not answer, and nothing was changed: timeout expired; .*\n$/)
  }
})

t.test('the database of auth is not brought forward for content', async (t) => {
  for (const DATABASE_URL of [newUrl(t), await createDatabase(t, 'auth')]) {
    await run('provision', { DATABASE_URL })
    const { code, err } = await run('migrate', { DATABASE_URL, CONTENT_DATABASE_URL: DATABASE_URL })
    t.equal(code, 1)
    t.match(err, /^error: the database \w+ holds the migrations of another service: .*\n$/m)
    t.notMatch(err, /^ +at /m)
  }
})

t.test('a role that may not change the database is told so in one line', async (t) => {
  const database = new URL(await createDatabase(t, 'content'))
  const stranger = new URL(newUrl(t))
  await run('provision', { DATABASE_URL: stranger.href })
  stranger.pathname = database.pathname
  const { code, err } = await run('migrate', { DATABASE_URL: stranger.href })
  t.equal(code, 1)
  t.match(err, /^error: the role that the URL of the database names may not do that: permission denied .*\n$/)
})

t.test('a database whose lower case would let names be taken twice is refused in one line', async (t) => {
  const DATABASE_URL = newUrl(t)
  const name = new URL(DATABASE_URL).username
  await admin.query(`create role ${name} login password 'hunter2'`)
  await admin.query(
    `create database ${name} owner ${name} template template0 locale_provider icu icu_locale 'tr-TR'`,
  )
  await run('provision', { DATABASE_URL })
  const { code, err } = await run('migrate', { DATABASE_URL })
  t.equal(code, 1)
  t.match(err, new RegExp(`^error: the database ${name} has a locale .*C\\.UTF-8.*\n$`))
})
