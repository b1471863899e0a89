import t from 'tap'
import { startAuth, type TestUser } from './support/auth.ts'
import { newAdmin } from './support/admins.ts'

const UNKNOWN = '019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77'

t.test('what admins see and do of users', async (t) => {
  const auth = await startAuth(t)
  const admin = await newAdmin(auth)
  const path = (user: { id: string }, rest = '') => `/api/v1/users/${user.id}${rest}`
  const me = async (token: string) => (await auth.call('GET', '/api/v1/users/me', { token })).status
  const tryLogin = ({ username, password }: TestUser) =>
    auth.call('POST', '/api/v1/login', { body: { username, password } })
  const refresh = (refresh_token: string) => auth.call('POST', '/api/v1/refresh', { body: { refresh_token } })

  await t.test('a user, whole but for the password', async (t) => {
    const user = await auth.newUser({ email: 'Seen@example.com' })
    const { status, body } = await admin.call('GET', path(user))
    t.equal(status, 200)
    t.match(body, {
      id: user.id,
      username: user.username,
      email: 'Seen@example.com',
      roles: ['user'],
      status: 'active',
    })
    t.notOk(Object.keys(body).some((name) => /password|hash|ver/.test(name)))
  })

  await t.test('a user who is not there is a 404, and what is no id a 400', async (t) => {
    for (const [method, rest, body] of [
      ['GET', ''],
      ['GET', '/logins'],
      ['POST', '/logout_all'],
      ['PUT', '/status', { status: 'active' }],
    ] as const) {
      t.equal((await admin.call(method, path({ id: UNKNOWN }, rest), body)).status, 404, `${method} ${rest}`)
      const malformed = await admin.call(method, path({ id: '1' }, rest), body)
      t.equal(malformed.status, 400)
      t.equal(malformed.body.errors[0].parameter, 'id')
    }
  })

  await t.test('the attempts to log in as a user, newest first, page by page', async (t) => {
    const user = await auth.newUser()
    await auth.login(user)
    for (let i = 0; i < 3; i++) await tryLogin({ ...user, password: 'wrong password' })
    await auth.app.loginHistory.flush()
    const first = await admin.call('GET', path(user, '/logins?limit=3'))
    t.equal(first.status, 200)
    const outcomes = (body: { items: { outcome: string }[] }) => body.items.map(({ outcome }) => outcome)
    t.strictSame(outcomes(first.body), Array(3).fill('wrong_password'))
    const second = await admin.call('GET', path(user, `/logins?limit=3&cursor=${first.body.next_cursor}`))
    t.strictSame(outcomes(second.body), ['success'])
    t.equal(second.body.next_cursor, null)
    const other = await auth.newUser()
    t.equal((await admin.call('GET', path(other, `/logins?cursor=${first.body.next_cursor}`))).status, 400)
  })

  await t.test('a user can be logged out on every device, at once', async (t) => {
    const user = await auth.newUser()
    const pairs = [await auth.login(user), await auth.login(user)]
    const { status, body, headers } = await admin.call('POST', path(user, '/logout_all'))
    t.equal(status, 200)
    t.strictSame(body, { revoked: 2 })
    t.equal(headers['revocation-pending'], '0')
    for (const pair of pairs) {
      t.equal(await me(pair.access_token), 401)
      t.equal((await refresh(pair.refresh_token)).status, 401)
    }
    t.strictSame((await admin.call('POST', path(user, '/logout_all'))).body, { revoked: 0 })
    t.equal((await tryLogin(user)).status, 200)
  })

  await t.test('a disabled user is out at once and cannot come back until enabled', async (t) => {
    const user = await auth.newUser()
    const pair = await auth.login(user)
    const disabled = await admin.call('PUT', path(user, '/status'), { status: 'disabled' })
    t.equal(disabled.status, 200)
    t.equal(disabled.body.status, 'disabled')
    t.equal(await me(pair.access_token), 401)
    t.equal((await refresh(pair.refresh_token)).status, 401)
    const refused = await tryLogin(user)
    t.equal(refused.status, 401)
    t.equal(refused.body.code, 'AUTH_CREDENTIALS_WRONG')

    const again = await admin.call('PUT', path(user, '/status'), { status: 'disabled' })
    t.equal(again.headers['revocation-position'], disabled.headers['revocation-position'])

    const enabled = await admin.call('PUT', path(user, '/status'), { status: 'active' })
    t.equal(enabled.status, 200)
    t.equal(enabled.body.status, 'active')
    t.notOk('revocation-position' in enabled.headers)
    t.equal(await me(pair.access_token), 401)
    t.equal((await refresh(pair.refresh_token)).status, 401)
    t.equal((await tryLogin(user)).status, 200)
  })

  await t.test('a malformed status is refused', async (t) => {
    const user = await auth.newUser()
    for (const body of [{}, { status: 'gone' }, { status: null }, { status: 'active', roles: [] }])
      t.equal((await admin.call('PUT', path(user, '/status'), body)).status, 400)
  })
})

t.test('the last active admin stays one on every path', async (t) => {
  const auth = await startAuth(t)
  const admin = await newAdmin(auth)
  const disabled = await newAdmin(auth)
  await admin.call('PUT', `/api/v1/users/${disabled.id}/status`, { status: 'disabled' })

  const paths = [
    ['PUT', `/api/v1/users/${admin.id}/roles`, { roles: ['user'] }],
    ['DELETE', `/api/v1/users/${admin.id}/roles/admin`],
    ['PUT', `/api/v1/users/${admin.id}/status`, { status: 'disabled' }],
    ['DELETE', '/api/v1/users/me'],
  ] as const
  for (const [method, path, body] of paths) {
    const answer = await admin.call(method, path, body)
    t.equal(answer.status, 409, `${method} ${path}`)
    t.equal(answer.body.code, 'AUTH_LAST_ADMIN')
  }
  t.strictSame((await admin.call('GET', '/api/v1/users/me')).body.roles, ['user', 'admin'])
  t.equal((await admin.call('PUT', `/api/v1/users/${admin.id}/roles/moderator`)).status, 200)
})
