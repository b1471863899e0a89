import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import t, { type Test } from 'tap'
import { isCurrent, makeDatabase, serviceUrl } from '../dev/databases.ts'
import { freePort } from '../dev/ports.ts'
import { accountFor } from '../dev/postgres-data.ts'
import { postgresFolder } from '../dev/postgres-files.ts'
import { startPostgres } from '../dev/postgres.ts'

/** A server of its own, with other defaults than those that `npm start` gives to its own. */
async function startServer(t: Test, defaults: readonly string[]): Promise<string> {
  const parent = mkdtempSync(join(tmpdir(), 'portcullis-locale-'))
  t.teardown(() => rmSync(parent, { recursive: true, force: true }))
  const folder = join(parent, 'data')
  const account = accountFor(folder)
  const { foreign, ids } = account
  mkdirSync(folder, { mode: 0o700 })
  chownSync(folder, ids.uid ?? -1, ids.gid ?? -1)
  const args = [
    `--pgdata=${account.path(folder)}`,
    '--username=postgres',
    '--auth=trust',
    '--no-sync',
    ...defaults,
  ]
  const initdb = spawn(join(postgresFolder(foreign), 'bin/initdb'), args, {
    ...ids,
    cwd: folder,
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    stdio: 'ignore',
  })
  const [code]: unknown[] = await once(initdb, 'close')
  t.equal(code, 0, 'the data were made')
  const server = await startPostgres({
    folder,
    port: await freePort(),
    password: 'any',
    log: join(parent, 'log'),
    settings: { fsync: 'off' },
  })
  t.teardown(() => server.stop())
  return server.adminUrl
}

/** Runs statements one after the other; the rows of the last. */
async function query(url: string, ...statements: string[]): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    let rows: unknown[] = []
    for (const statement of statements) rows = (await client.query<object>(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}

for (const [name, defaults] of Object.entries({
  'in Turkish': ['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=tr-TR'],
  'in LATIN1': ['--encoding=LATIN1', '--locale=C', '--locale-provider=libc'],
}))
  t.test(`on a server ${name} the databases are in UTF-8, and names are unique`, async (t) => {
    const adminUrl = await startServer(t, defaults)
    const url = serviceUrl(adminUrl, 'auth', 'secret')
    await makeDatabase('auth', adminUrl, url)
    t.strictSame(
      await query(
        url,
        `select pg_encoding_to_char(encoding) as encoding, datlocprovider as provider, datlocale as locale,
          datcollate as collate, datctype as ctype from pg_database where datname = current_database()`,
      ),
      [{ encoding: 'UTF8', provider: 'b', locale: 'C.UTF-8', collate: 'C', ctype: 'C' }],
    )
    const signUp = (username: string) =>
      query(url, `insert into users (username, full_name, password_hash) values ('${username}', '日本', '')`)
    await signUp('VICTIM')
    await t.rejects(signUp('victim'), { code: '23505' })
    t.equal(await isCurrent('auth', url), true)
  })

t.test('what an earlier version made on such a server is refused, migrated or not', async (t) => {
  const adminUrl = await startServer(t, ['--locale=C', '--locale-provider=icu', '--icu-locale=tr-TR'])
  const url = serviceUrl(adminUrl, 'content', 'secret')
  const { username } = new URL(url)
  await query(
    adminUrl,
    `create role ${username} login password 'secret'`,
    `create database portcullis_content owner ${username}`,
  )
  const refused = {
    name: 'StopError',
    message: /^the database portcullis_content has a locale .* `portcullis provision` or `npm start`/,
  }
  await t.rejects(makeDatabase('content', adminUrl, url), refused)
  await query(
    url,
    'create table migrations (name text)',
    `insert into migrations values ('0001-authors'), ('0002-posts'), ('0003-tasks'), ('0004-idempotency-keys')`,
  )
  t.equal(await isCurrent('content', url), false)
  await t.rejects(makeDatabase('content', adminUrl, url), refused)
})
