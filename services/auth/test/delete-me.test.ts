import t from 'tap'
import { startAuth, statusesOf } from './support/auth.ts'
import { meanwhile, onlyForUsers } from './support/guards.ts'

t.test('the deletion of oneself', async (t) => {
  const auth = await startAuth(t)
  const remove = (token: string) => auth.call('DELETE', '/api/v1/users/me', { token })
  const me = (token: string) => auth.call('GET', '/api/v1/users/me', { token })
  const rows = async (table: 'sessions' | 'login_history', userId: string) => {
    const found = await auth.app.db.selectFrom(table).select('id').where('user_id', '=', userId).execute()
    return found.length
  }

  await onlyForUsers(t, auth, 'DELETE', '/api/v1/users/me')

  await t.test('the only admin there is stays', async (t) => {
    const pair = await auth.login(await auth.newUser({ roles: ['user', 'admin'] }))
    const refused = await remove(pair.access_token)
    t.equal(refused.status, 409)
    t.equal(refused.body.code, 'AUTH_LAST_ADMIN')
    t.equal((await me(pair.access_token)).status, 200)
  })

  await t.test('of all admins who delete themselves at once one stays', async (t) => {
    await auth.app.db
      .updateTable('users')
      .set({ roles: ['user'] })
      .execute()
    const admins = await Promise.all([1, 2, 3].map(() => auth.newUser({ roles: ['admin'] })))
    const pairs = await Promise.all(admins.map((admin) => auth.login(admin)))
    const answers = await Promise.all(pairs.map((pair) => remove(pair.access_token)))
    t.strictSame(statusesOf(answers), [200, 200, 409])
  })

  await t.test('answers with the user as it was, and leaves nothing of it that works', async (t) => {
    const user = await auth.newUser({ email: 'leaving@example.com' })
    const [pair, other] = [await auth.login(user), await auth.login(user)]
    const shown = (await me(pair.access_token)).body
    const deleted = await remove(pair.access_token)
    t.equal(deleted.status, 200)
    t.strictSame(deleted.body, shown)
    t.equal(deleted.headers['revocation-pending'], '0')
    for (const token of [pair.access_token, other.access_token])
      t.equal((await me(token)).body.code, 'AUTH_TOKEN_INVALID')
    for (const { refresh_token } of [pair, other])
      t.equal((await auth.call('POST', '/api/v1/refresh', { body: { refresh_token } })).status, 401)
    const { username, password } = user
    const login = await auth.call('POST', '/api/v1/login', { body: { username, password } })
    t.equal(login.body.code, 'AUTH_CREDENTIALS_WRONG')
    t.strictSame([await rows('sessions', user.id), await rows('login_history', user.id)], [0, 0])
  })

  await t.test(
    'kills the tokens of every version, and tells other services that the user is gone',
    async (t) => {
      const user = await auth.newUser()
      const pair = await auth.login(user)
      t.equal((await remove(pair.access_token)).status, 200)
      const { db } = auth.app
      const event = await db
        .selectFrom('revocations')
        .selectAll()
        .where('key', '=', user.id)
        .executeTakeFirst()
      t.match(event, { kind: 'user', value: Number.MAX_SAFE_INTEGER })
      const changes = await db.selectFrom('user_changes').selectAll().where('user_id', '=', user.id).execute()
      t.match(changes.at(-1), { username: user.username, deleted: true })
    },
  )

  await t.test('frees the username and the email', async (t) => {
    const user = await auth.newUser({ email: 'free@example.com' })
    await remove((await auth.login(user)).access_token)
    const again = await auth.call('POST', '/api/v1/signup', {
      body: { username: user.username, email: 'free@example.com', password: user.password },
    })
    t.equal(again.status, 201)
    t.not(again.body.user.id, user.id)
  })

  await t.test('a logout with a token of a deleted user answers 200', async (t) => {
    const pair = await auth.login(await auth.newUser())
    await remove(pair.access_token)
    const logout = await auth.call('POST', '/api/v1/logout', { token: pair.access_token })
    t.equal(logout.status, 200)
  })

  await t.test('who is logged out before the deletion deletes nothing', async (t) => {
    const user = await auth.newUser()
    const pair = await auth.login(user)
    const answer = await meanwhile(
      auth,
      user.id,
      () => remove(pair.access_token),
      (db) => db.updateTable('users').set({ ver: 2 }).where('id', '=', user.id).execute(),
    )
    t.equal(answer.status, 401)
    t.ok(await auth.login(user))
  })

  await t.test('a user who is deleted while a request is under way has no profile', async (t) => {
    const user = await auth.newUser()
    const { access_token } = await auth.login(user)
    // As on an instance that has not heard of the deletion yet.
    await auth.app.db.deleteFrom('users').where('id', '=', user.id).execute()
    for (const [method, path, body] of [
      ['GET', '/users/me', undefined],
      ['PATCH', '/users/me', { full_name: 'X' }],
      ['DELETE', '/users/me', undefined],
      ['GET', '/users/me/export', undefined],
      ['POST', '/logout_all', undefined],
      ['PUT', '/users/me/password', { current_password: 'x', new_password: 'a long enough one' }],
    ] as const) {
      const answer = await auth.call(method, `/api/v1${path}`, { token: access_token, body })
      t.equal(answer.body.code, 'AUTH_TOKEN_INVALID', path)
    }
  })
})
