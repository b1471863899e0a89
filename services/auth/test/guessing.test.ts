import t from 'tap'
import type {} from '../src/plugins/login-throttle.ts'
import { PAIR_WALL } from '../src/passwords/login-throttle/decide.ts'
import { PASSWORD, callOf, startAuth } from './support/auth.ts'

const SETTINGS = { LOGIN_THROTTLE: 'on', TRUST_PROXY: '127.0.0.1' }
const WRONG = 'not the password'

t.test('wrong current passwords in changes of the password', async (t) => {
  const auth = await startAuth(t, SETTINGS)
  const change = (token: string, current_password: string, address = '192.0.2.1') =>
    auth.call('PUT', '/api/v1/users/me/password', {
      token,
      headers: { 'x-forwarded-for': address },
      body: { current_password, new_password: 'another good password' },
    })
  const login = (username: string, password: string) =>
    auth.call('POST', '/api/v1/login', {
      headers: { 'x-forwarded-for': '192.0.2.1' },
      body: { username, password },
    })
  const failTenTimes = async (token: string) => {
    for (let i = 0; i < PAIR_WALL.free; i++) t.equal((await change(token, WRONG)).status, 403)
  }

  await t.test('are refused after ten, from the address that they came from', async (t) => {
    const user = await auth.newUser()
    const { access_token: token } = await auth.login(user)
    await failTenTimes(token)
    const refused = await change(token, user.password)
    t.equal(refused.status, 429)
    t.equal(refused.body.code, 'AUTH_LOGIN_THROTTLED')
    t.equal(refused.headers['retry-after'], '1')
    t.equal((await change(token, user.password, '192.0.2.2')).status, 200)
  })

  await t.test('count on when the user has another name', async (t) => {
    const user = await auth.newUser()
    const { access_token: token } = await auth.login(user)
    await failTenTimes(token)
    const renamed = await auth.call('PATCH', '/api/v1/users/me', {
      token,
      body: { username: `${user.username}-2`, email: 'renamed@example.com' },
    })
    t.equal(renamed.status, 200)
    t.equal((await change(renamed.body.access_token, user.password)).status, 429)
  })

  await t.test('count together with logins by the username, and with no others', async (t) => {
    const user = await auth.newUser()
    const { access_token: token } = await auth.login(user)
    for (let i = 0; i < PAIR_WALL.free; i++) t.equal((await login(user.id, WRONG)).status, 401)
    t.equal((await change(token, WRONG)).status, 403, 'an id that is typed as a name is no user')
    for (let i = 1; i < PAIR_WALL.free; i++) t.equal((await login(user.username, WRONG)).status, 401)
    t.equal((await change(token, user.password)).status, 429)

    const other = await auth.newUser({ email: 'other@example.com' })
    await failTenTimes((await auth.login(other)).access_token)
    t.equal((await login(other.username, other.password)).status, 429)
    t.equal((await login('other@example.com', other.password)).status, 200)
  })
})

t.test('wrong passwords of logins', async (t) => {
  const auth = await startAuth(t, SETTINGS)
  const headers = { 'x-forwarded-for': '192.0.2.1' }
  const login = (username: string, password = WRONG) =>
    auth.call('POST', '/api/v1/login', { headers, body: { username, password } })
  const failTenTimes = async (name: string) => {
    for (let i = 0; i < PAIR_WALL.free; i++) t.equal((await login(name)).status, 401)
  }
  const rename = async (token: string, body: { readonly username?: string; readonly email?: string }) =>
    t.equal((await auth.call('PATCH', '/api/v1/users/me', { token, body })).status, 200)

  for (const [field, first, second] of [
    ['username', 'renamed-before', 'renamed-after'],
    ['email', 'before@example.com', 'after@example.com'],
  ] as const) {
    await t.test(`count on when the user has another ${field}`, async (t) => {
      const user = await auth.newUser({ [field]: first })
      const { access_token: token } = await auth.login(user)
      await failTenTimes(first)
      await rename(token, { [field]: second })
      t.equal((await login(second, user.password)).status, 429)
      t.equal((await login(first, user.password)).status, 401, 'nobody has the name before')

      const heir = await auth.newUser({ [field]: first })
      t.equal((await login(first, heir.password)).status, 200, 'nor does who takes it inherit them')
    })
  }

  await t.test('do not tell that a username and an email are one user', async (t) => {
    const user = await auth.newUser({ email: 'apart@example.com' })
    await failTenTimes(user.username)
    t.equal((await login('apart@example.com')).status, 401)
  })
})

t.test('a signup that comes again with its idempotency key', async (t) => {
  const auth = await startAuth(t, SETTINGS)
  const headers = { 'x-forwarded-for': '192.0.2.1' }
  const signup = (username: string, password = PASSWORD, call = auth.call) =>
    call('POST', '/api/v1/signup', {
      headers: { ...headers, 'idempotency-key': 'key-1' },
      body: { username, password },
    })
  const login = (username: string, password = PASSWORD) =>
    auth.call('POST', '/api/v1/login', { headers, body: { username, password } })
  const another = await auth.another()
  const historyOf = async (id: string) => {
    for (const app of [auth.app, another]) await app.loginHistory.flush()
    const rows = await auth.app.db
      .selectFrom('login_history')
      .select('outcome')
      .where('user_id', '=', id)
      .orderBy('outcome')
      .execute()
    return rows.map(({ outcome }) => outcome)
  }

  await t.test('lets passwords be guessed no faster than a login, and the history tells of it', async (t) => {
    const other = callOf(another)
    const { status, body } = await signup('guessed')
    t.equal(status, 201)
    for (let i = 0; i < PAIR_WALL.free; i++)
      t.equal((await signup('guessed', `${WRONG} ${i}`, i % 2 === 0 ? auth.call : other)).status, 422)
    for (const password of [WRONG, PASSWORD]) {
      const refused = await signup('guessed', password)
      t.equal(refused.status, 429)
      t.equal(refused.body.code, 'AUTH_LOGIN_THROTTLED')
      t.equal(refused.headers['retry-after'], '1')
    }
    t.equal((await login('Guessed')).status, 429)
    t.strictSame(await historyOf(body.user.id), [
      ...Array(3).fill('throttled'),
      ...Array(PAIR_WALL.free).fill('wrong_password'),
    ])
    await auth.advance(1000)
    t.equal((await signup('guessed')).headers['idempotency-replayed'], 'true')
  })

  await t.test('is refused after too many failed logins', async (t) => {
    await signup('logged-in')
    for (let i = 0; i < PAIR_WALL.free; i++) t.equal((await login('logged-in', WRONG)).status, 401)
    t.equal((await signup('logged-in', WRONG)).status, 429)
  })

  await t.test('is answered however often it does, and resets no failed login', async (t) => {
    const { body } = await signup('repeated')
    for (let i = 1; i < PAIR_WALL.free; i++) t.equal((await login('repeated', WRONG)).status, 401)
    for (let i = 0; i < 2 * PAIR_WALL.free; i++) {
      const again = await signup('repeated')
      t.equal(again.headers['idempotency-replayed'], 'true')
      t.strictSame(again.body, body)
    }
    t.equal((await login('repeated', WRONG)).status, 401)
    t.equal((await login('repeated', WRONG)).status, 429)
  })
})
