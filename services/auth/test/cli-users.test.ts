import t from 'tap'
import { startAuth } from './support/auth.ts'
import { registerClient } from './support/client.ts'
import { openRedis } from './support/verifiers.ts'
import { runPortcullis, spawnPortcullis } from './support/portcullis.ts'

const auth = await startAuth(t)
await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
const run = (...args: string[]) => runPortcullis(auth, args)
const json = async (...args: string[]) => {
  const { out, code } = await run(...args, '--json')
  t.equal(code, 0, args.join(' '))
  return JSON.parse(out)
}
const me = async (token: string) => (await auth.call('GET', '/api/v1/users/me', { token })).status
const refresh = (refresh_token: string) => auth.call('POST', '/api/v1/refresh', { body: { refresh_token } })

t.test('a user is found by id, username and email, in any case, and shown without the hash', async (t) => {
  const user = await auth.newUser({ email: 'Shown@example.org' })
  await auth.login(user)
  for (const name of [user.id, user.username.toUpperCase(), 'shown@EXAMPLE.org']) {
    const shown = await json('users', 'show', name)
    t.match(shown, {
      id: user.id,
      email: 'Shown@example.org',
      roles: ['user'],
      status: 'active',
      sessions: 1,
    })
    t.notOk('password_hash' in shown)
  }
  t.match(await run('users', 'show', user.username), { out: /^roles: user\nstatus: active\n/m })
  t.match(await run('users', 'show', 'nobody-at-all'), {
    code: 1,
    err: 'error: there is no user nobody-at-all\n',
  })
})

t.test('users are listed by name, role and status, a line each', async (t) => {
  const boss = await auth.newUser({ roles: ['moderator', 'user'] })
  const [row, ...more] = (await run('users', 'list', '--role', 'moderator', '--json')).out.trim().split('\n')
  t.strictSame(more, [])
  t.match(JSON.parse(row ?? ''), { id: boss.id, username: boss.username })
  const all = (await run('users', 'list', '--username', 'USER-')).out.trim().split('\n')
  t.ok(all.length >= 2)
  t.equal(all[0]?.split('\t')[1], boss.username, 'the newest first')
  t.equal((await run('users', 'list', '--status', 'disabled')).out, '')
  t.match(await run('users', 'list', '--status', 'asleep'), { code: 1, err: /active or disabled/ })
})

t.test('a disabled user is out when the command returns, and comes back when enabled', async (t) => {
  const user = await auth.newUser()
  const pair = await auth.login(user)
  const disabled = await json('users', 'disable', user.username)
  t.match(disabled, { status: 'disabled', revocation_position: /^\d+-\d+$/, revocation_pending: 0 })
  t.equal(await me(pair.access_token), 401)
  t.equal((await refresh(pair.refresh_token)).status, 401)
  const login = { body: { username: user.username, password: user.password } }
  t.equal((await auth.call('POST', '/api/v1/login', login)).status, 401)
  t.equal((await run('users', 'disable', user.id)).code, 0, 'again')
  t.match(await json('users', 'enable', user.username), { status: 'active' })
  t.equal((await auth.call('POST', '/api/v1/login', login)).status, 200)
})

t.test('a user who is logged out is so on every device', async (t) => {
  const user = await auth.newUser()
  const pairs = [await auth.login(user), await auth.login(user)]
  t.match(await json('users', 'logout', user.username), { id: user.id, revoked: 2, revocation_pending: 0 })
  for (const { access_token } of pairs) t.equal(await me(access_token), 401)
})

t.test('other roles kill access tokens, and every instance shows them at once', async (t) => {
  const user = await auth.newUser()
  const admin = await auth.login(await auth.newUser({ roles: ['admin'] }))
  const pair = await auth.login(user)
  const shown = async () =>
    (await auth.call('GET', `/api/v1/users/${user.id}`, { token: admin.access_token })).body.roles
  t.strictSame(await shown(), ['user'])
  t.match(await json('users', 'set-roles', user.username, 'user', 'moderator'), {
    roles: ['moderator', 'user'],
    revocation_pending: 0,
  })
  t.strictSame(await shown(), ['moderator', 'user'], 'not out of a cache')
  t.equal(await me(pair.access_token), 401)
  t.equal((await refresh(pair.refresh_token)).status, 200)
  t.match(await run('users', 'set-roles', user.username, 'wizard'), { code: 1, err: /no role wizard/ })
  t.match(await run('users', 'set-roles', user.username, 'Not A Role'), { code: 1, err: /lower-case/ })
})

t.test('the last active admin stays one', async (t) => {
  const admins = (await run('users', 'list', '--role', 'admin', '--json')).out.trim().split('\n')
  const [last, ...others] = admins.map((line): string => JSON.parse(line).id)
  for (const id of others) t.equal((await run('users', 'set-roles', id, 'user')).code, 0)
  for (const args of [
    ['users', 'set-roles', last ?? '', 'user'],
    ['users', 'disable', last ?? ''],
  ])
    t.match(await run(...args), { code: 1, err: /the last active admin/ })
  t.match(await json('users', 'show', last ?? ''), { roles: ['admin'], status: 'active' })
})

t.test('create-admin tells a program whether there is a new admin', async (t) => {
  const made = await json('create-admin', '--username', 'chief')
  t.match(made, { created: true, username: 'chief', password: /^.{22}$/ })
  t.strictSame(await json('create-admin', '--username', 'other', '--if-none'), { created: false })
  t.match(await run('create-admin', '--username', 'other', '--if-none'), { code: 0, out: '' })
  t.match(await run('users', 'show', 'other'), { code: 1 }, 'there was one, so that there is no other')
})

t.test('a session is listed, and is over when it is ended', async (t) => {
  const user = await auth.newUser()
  const pair = await auth.login(user)
  const other = await auth.login(user)
  const list = async () => (await run('sessions', 'list', '--user', user.username, '--json')).out.trim()
  const sessions = (await list()).split('\n').map((line) => JSON.parse(line))
  t.match(sessions, [{ username: user.username, user_id: user.id }, { ip: '127.0.0.1' }])
  const id: string = sessions[1].id
  const redis = openRedis(t, auth)
  await redis.select(2)
  t.ok(await redis.hexists(`active:${user.id}`, id))
  t.match(await json('sessions', 'end', id), { id, user_id: user.id, revocation_pending: 0 })
  t.equal(await me(pair.access_token), 401)
  t.equal(await me(other.access_token), 200)
  t.notOk(await redis.hexists(`active:${user.id}`, id), 'nor shown to operators any more')
  t.equal((await list()).split('\n').length, 1)
  t.ok((await run('sessions', 'list')).out.includes(user.username), 'among those of everybody')
  for (const wrong of [id, 'nonsense'])
    t.match(await run('sessions', 'end', wrong), { code: 1, err: /no live session/ })
})

t.test('what people wrote cannot break a line or steer a terminal', async (t) => {
  const user = await auth.newUser()
  const headers = { 'user-agent': 'evil\u001B[2J\tagent' }
  const body = { username: user.username, password: user.password }
  await auth.call('POST', '/api/v1/login', { body, headers })
  const { out } = await run('sessions', 'list', '--user', user.username)
  t.match(out, /evil \[2J agent\n$/)
})

t.test('without Redis a command does its work and says whom it did not ask', async (t) => {
  const user = await auth.newUser()
  const bare = { REVOCATION_REDIS_URL: undefined, CACHE_REDIS_URL: undefined, SESSION_REDIS_URL: undefined }
  const { code, out, err } = await runPortcullis(auth, ['users', 'disable', user.username], bare)
  t.equal(code, 0)
  t.match(out, /^revocation_position: /m)
  t.match(err, 'not asked')
  const away = { REVOCATION_REDIS_URL: 'redis://127.0.0.1:1/1', CACHE_REDIS_URL: 'redis://127.0.0.1:1/0' }
  const enabled = await runPortcullis(auth, ['users', 'enable', user.username], away)
  t.equal(enabled.code, 0)
})

t.test('every command has help, and what cannot be understood is an error', async (t) => {
  const { code, out } = await run('--help')
  t.equal(code, 0)
  t.match(out, /Exit codes:\n {2}0 {3}done/)
  for (const command of [
    'users',
    'users import',
    'sessions',
    'clients',
    'keys rotate',
    'revoke-all',
    'migrate',
  ])
    t.match(await run(...command.split(' '), '--help'), { code: 0, out: /--json/ }, command)
  t.match(await run('users', 'vanish'), { code: 1, err: /unknown command 'vanish'/ })
  t.match(await run('users', 'show'), { code: 1, err: /missing required argument/ })
})

t.test('settings that are wrong are all named, with 78', async (t) => {
  const { code, err, out } = await runPortcullis(auth, ['users', 'list'], {
    DATABASE_URL: undefined,
    SESSION_REDIS_URL: 'nonsense',
  })
  t.equal(code, 78)
  t.equal(out, '')
  t.match(
    err,
    /^configuration: DATABASE_URL is not set\nconfiguration: SESSION_REDIS_URL is no URL of redis.*\n$/,
  )
})

t.test('a database that is away is said so, and nothing else', async (t) => {
  const { code, err } = await runPortcullis(auth, ['users', 'list'], {
    DATABASE_URL: 'postgres://nobody:hunter2@127.0.0.1:1/none',
  })
  t.equal(code, 1)
  t.match(
    err,
    /^error: the database does not answer, and nothing was changed: .*ECONNREFUSED.*DATABASE_URL\n$/,
  )
  t.notMatch(err, 'hunter2')
})

t.test('a database that lets nobody in, is not there, or has no tables is told in one line', async (t) => {
  const wrongPassword = new URL(auth.databaseUrl)
  wrongPassword.password = 'hunter2'
  const noDatabase = new URL(auth.databaseUrl)
  noDatabase.pathname = '/no_such_database'
  const empty = new URL(process.env['TEST_POSTGRES_URL'] ?? '')
  for (const [url, said] of [
    [wrongPassword, /^error: the database does not answer, and nothing was changed: .*password.*\n$/],
    [noDatabase, /^error: the database does not answer, and nothing was changed: .*no_such_database.*\n$/],
    [empty, /^error: the database has not been migrated: .*\n$/],
  ] as const) {
    const { code, err } = await runPortcullis(auth, ['users', 'list'], { DATABASE_URL: url.href })
    t.equal(code, 1)
    t.match(err, said)
    t.notMatch(err, 'hunter2')
  }
})

t.test('as a program of its own it answers on standard output and by its exit code', async (t) => {
  const user = await auth.newUser()
  const [shown, wrong] = await Promise.all([
    spawnPortcullis(auth, ['users', 'show', user.username, '--json']),
    spawnPortcullis(auth, ['users', 'show', 'nobody-at-all']),
  ])
  t.equal(shown.code, 0)
  t.match(JSON.parse(shown.out), { id: user.id })
  t.equal(shown.err, '')
  t.match(wrong, { code: 1, out: '', err: 'error: there is no user nobody-at-all\n' })
})
