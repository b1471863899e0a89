import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { hash as bcrypt } from '@node-rs/bcrypt'
import argon2 from 'argon2'
import t from 'tap'
import { startAuth } from './support/auth.ts'
import { runPortcullis, type RunOptions } from './support/portcullis.ts'

const auth = await startAuth(t)
const folder = t.testdir()
const PASSWORD = 'what was chosen elsewhere'
const HASH = await argon2.hash(PASSWORD, { memoryCost: 64, timeCost: 1, parallelism: 1 })

let files = 0
function fileOf(text: string, ending = 'jsonl'): string {
  const path = join(folder, `${++files}.${ending}`)
  writeFileSync(path, text)
  return path
}
const lines = (...users: unknown[]) => fileOf(users.map((user) => JSON.stringify(user)).join('\n'))
const run = (args: readonly string[], options?: RunOptions) =>
  runPortcullis(auth, ['users', 'import', ...args], {}, options)
const login = async (username: string, password = PASSWORD) =>
  (await auth.call('POST', '/api/v1/login', { body: { username, password } })).status
const find = (username: string) =>
  auth.app.db.selectFrom('users').selectAll().where('username', '=', username).executeTakeFirst()
const count = async () => (await auth.app.db.selectFrom('users').select('id').execute()).length

t.test('users of JSON lines keep what is known of them, and other services hear of them', async (t) => {
  const file = lines(
    { username: 'ada', password_hash: HASH },
    {
      username: 'grace',
      password_hash: HASH,
      email: 'Grace@example.org',
      full_name: 'Grace Hopper',
      roles: ['user', 'moderator', 'user'].slice(0, 2),
      created_at: '2020-01-02T21:04:05.0009+18:00',
    },
    { username: 'gone', password_hash: HASH, status: 'disabled', email: null },
  )
  const { code, out, err } = await run([file, '--json'])
  t.equal(err, '')
  t.equal(code, 0)
  t.strictSame(JSON.parse(out), { read: 3, skipped: 0, imported: 3 })
  t.match(await find('grace'), {
    email: 'Grace@example.org',
    full_name: 'Grace Hopper',
    roles: ['moderator', 'user'],
    status: 'active',
    created_at: new Date('2020-01-02T03:04:05.000Z'),
  })
  t.match(await find('ada'), { roles: ['user'], email: null })
  t.equal(await login('ada'), 200)
  t.equal(await login('GRACE@example.org'), 200)
  t.equal(await login('gone'), 401, 'who is disabled stays out')
  const changes = await auth.app.db.selectFrom('user_changes').selectAll().orderBy('seq').execute()
  t.strictSame(
    changes.map(({ username, deleted }) => [username, deleted]),
    [
      ['ada', false],
      ['grace', false],
      ['gone', false],
    ],
  )
  const { seq } = await auth.app.db.selectFrom('user_changes_head').select('seq').executeTakeFirstOrThrow()
  t.equal(changes.at(-1)?.seq, seq)
  t.equal(
    (await auth.call('POST', '/api/v1/signup', { body: { username: 'later', password: PASSWORD } })).status,
    201,
  )
})

t.test('users of CSV, in any order of columns, with quotes, byte order mark and CRLF', async (t) => {
  const file = fileOf(
    `\uFEFFpassword_hash,username,full_name,roles,email\r\n"${HASH}",csv-one,"Comma, Quote ""Q""",user moderator,\r\n"${HASH}",csv-two,,,two@example.org\r\n`,
    'csv',
  )
  t.match(await run([file]), { code: 0, out: 'read: 2\nskipped: 0\nimported: 2\n' })
  t.match(await find('csv-one'), {
    full_name: 'Comma, Quote "Q"',
    roles: ['moderator', 'user'],
    email: null,
  })
  t.match(await find('csv-two'), { full_name: null, roles: ['user'], email: 'two@example.org' })
})

t.test('hashes of bcrypt and of every argon2 let their users in, and are argon2id after that', async (t) => {
  // The letter tells who made it; of those that are taken, all are computed alike.
  const byBcrypt = async (letter: 'a' | 'b' | 'y') =>
    (await bcrypt(PASSWORD, 4)).replace('$2b$', `$2${letter}$`)
  const hashes: Record<string, string> = {
    'b-2a': await byBcrypt('a'),
    'b-2b': await byBcrypt('b'),
    'b-2y': await byBcrypt('y'),
    'a-i': await argon2.hash(PASSWORD, { type: argon2.argon2i, memoryCost: 64, timeCost: 2 }),
    'a-d': await argon2.hash(PASSWORD, { type: argon2.argon2d, memoryCost: 64, timeCost: 2 }),
    'a-standard': HASH.replace(/m=(\d+),p=(\d+),t=(\d+)/, 'm=$1,t=$3,p=$2'),
  }
  const users = Object.entries(hashes).map(([username, password_hash]) => ({ username, password_hash }))
  t.equal((await run([lines(...users)])).code, 0)
  for (const username of Object.keys(hashes)) {
    t.equal(await login(username, 'not this one'), 401, username)
    t.equal((await find(username))?.password_hash, hashes[username], 'only a login changes it')
    t.equal(await login(username), 200, username)
    t.match((await find(username))?.password_hash, /^\$argon2id\$v=19\$m=8,t=1,p=1\$/, username)
    t.equal(await login(username), 200, `${username} again`)
  }
})

t.test('errors name line and field, never a value, and nothing is imported', async (t) => {
  const before = await count()
  const good = { username: 'never-made', password_hash: HASH }
  const file = fileOf(
    [
      JSON.stringify(good),
      '{"username": "x", "password_hash": "hunter2", "email": "hunter2", "admin": true}',
      'hunter2',
      '["hunter2"]',
      JSON.stringify({ ...good, username: 'NEVER-MADE' }),
      JSON.stringify({ ...good, username: 'ada' }),
      JSON.stringify({ ...good, username: 'other', email: 'grace@EXAMPLE.org', roles: ['wizard'] }),
      JSON.stringify({ username: 'no-hash', roles: 'user', status: 'asleep', created_at: 'hunter2' }),
      JSON.stringify({ username: 'slow-1', password_hash: `$2b$31$${'a'.repeat(53)}` }),
      JSON.stringify({ username: 'slow-2', password_hash: HASH.replace('m=64', 'm=2097152') }),
      `{"username": "${'x'.repeat(70_000)}"}`,
      JSON.stringify({ ...good, username: 'odd-1', created_at: '2026-02-30T10:00:00Z' }),
      JSON.stringify({ ...good, username: 'odd-2', email: 'user@localhost' }),
      JSON.stringify({ ...good, username: 'odd-3', email: '"a\u0000b"@example.com' }),
      JSON.stringify({ ...good, username: 'odd-4', email: '"\ud800"@example.com' }),
    ].join('\n'),
  )
  const { code, out, err } = await run([file])
  t.equal(code, 1)
  t.equal(out, '')
  t.strictSame(err.trim().split('\n'), [
    'line 2: username: needs 3 to 32 letters, digits, dots, underscores or hyphens',
    'line 2: password_hash: is neither an argon2 hash (PHC string) nor a bcrypt one ($2a$, $2b$ or $2y$)',
    'line 2: email: is not an email address',
    'line 2: admin: is not known; fields are username, password_hash, email, full_name, roles, status, created_at',
    'line 3: is not JSON',
    'line 4: is not a JSON object',
    'line 5: username: is the same as in line 1',
    'line 6: username: is taken',
    'line 7: email: is taken',
    'line 7: roles: there is no role wizard',
    'line 8: roles: has to be a list of up to 50 names of roles, each once',
    'line 8: status: is neither active nor disabled',
    'line 8: created_at: is not a time such as 2026-11-21T09:30:00.000Z',
    'line 8: password_hash: is missing',
    'line 9: password_hash: has a bcrypt cost outside of 4 to 14',
    'line 10: password_hash: has argon2 parameters that take too long to check',
    'line 11: is too long',
    'line 12: created_at: is not a time such as 2026-11-21T09:30:00.000Z',
    'line 13: email: is not an email address',
    'line 14: email: is not an email address',
    'line 15: email: is not an email address',
    'error: the file has errors; nothing was imported',
  ])
  t.equal(await count(), before)
  const answer = JSON.parse((await run([file, '--json'])).out)
  t.match(answer, { read: 15, imported: 0, errors: [{ line: 2, field: 'username' }] })
})

t.test('a file that is no such file is refused as a whole', async (t) => {
  const before = await count()
  const header = 'username,password_hash\n'
  const refused: [string, RegExp][] = [
    [fileOf('username,is_admin\nx,y\n', 'csv'), /line 1 has to name columns/],
    [fileOf(`${header}one,${HASH}\n`, 'csv'), /line 2 is not CSV: it has more or fewer cells/],
    [fileOf(`${header}"one,two\n`, 'csv'), /a quotation mark is not closed/],
    [fileOf('username: x', 'yaml'), /--format csv or --format jsonl/],
    [join(folder, 'missing.csv'), /cannot be read/],
    [t.testdir({ 'folder.csv': {} }) + '/folder.csv', /^error: the file .*folder\.csv cannot be read\n$/],
    [folder, /--format/],
  ]
  for (const [file, reason] of refused) t.match(await run([file]), { code: 1, out: '', err: reason })
  const latin = fileOf('', 'csv')
  writeFileSync(latin, Buffer.from(`${header}jos\u00E9,x\n`, 'latin1'))
  t.match(await run([latin]), { code: 1, err: 'error: the file is not text in UTF-8\n' })
  t.match(await run([lines({ username: 'x', password_hash: HASH }), '--format', 'csv']), { code: 1 })
  t.equal(await count(), before)
})

t.test('a dry run tells the same and changes nothing', async (t) => {
  const before = await count()
  const file = lines({ username: 'dry-run', password_hash: HASH })
  t.strictSame(JSON.parse((await run([file, '--dry-run', '--json'])).out), {
    read: 1,
    skipped: 0,
    importable: 1,
  })
  t.equal((await run([lines({ username: 'ada', password_hash: HASH }), '--dry-run'])).code, 1)
  t.equal(await count(), before)
})

t.test('a file that was imported can be given again with those who are new', async (t) => {
  const ada = { username: 'ADA', password_hash: HASH }
  const file = lines(ada, { username: 'new-one', password_hash: HASH })
  t.match(await run([file]), { code: 1, err: /^line 1: username: is taken\n/ })
  t.match(await run([file, '--skip-existing']), { code: 0, out: 'read: 2\nskipped: 1\nimported: 1\n' })
  t.match(await find('ada'), { username: 'ada' })
})

t.test('a name that is taken while the file is read leaves nothing half done', async (t) => {
  const before = await count()
  const begun = Promise.withResolvers<void>()
  const taken = Promise.withResolvers<void>()
  const stdin = Readable.from(
    (async function* () {
      yield `${JSON.stringify({ username: 'contested', password_hash: HASH })}\n`
      begun.resolve()
      await taken.promise
      yield JSON.stringify({ username: 'uncontested', password_hash: HASH })
    })(),
  )
  const running = run(['-', '--format', 'jsonl'], { stdin })
  await begun.promise
  await auth.call('POST', '/api/v1/signup', { body: { username: 'Contested', password: PASSWORD } })
  taken.resolve()
  const { code, err } = await running
  t.equal(code, 1)
  t.match(err, /taken/)
  t.equal(await count(), before + 1)
})

t.test('a large file goes through batch by batch, and a terminal sees how far it is', async (t) => {
  const total = 20_000
  const stdin = Readable.from(
    (function* () {
      for (let i = 0; i < total; i++) yield `many-${i},"${HASH}"\n`
    })(),
  )
  const file = Readable.from(
    (async function* () {
      yield 'username,password_hash\n'
      yield* stdin
    })(),
  )
  const before = await count()
  const { code, out, err } = await run(['-', '--format', 'csv'], { stdin: file, isTTY: true })
  t.equal(code, 0)
  t.match(out, `imported: ${total}`)
  t.match(err, /\r.*10000 users read.*\r/)
  t.equal(await count(), before + total)
  t.equal(await login('many-19999'), 200)
})
