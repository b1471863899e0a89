import t from 'tap'
import type {} from '../src/plugins/passwords.ts'
import { PASSWORD, startAuth, statusesOf, type CallOptions, type TestUser } from './support/auth.ts'
import { isBlocked, meanwhile, onlyForUsers } from './support/guards.ts'
import { decodeJwt } from './support/jwt.ts'

const NEW = 'another long password'

t.test('the change of the password', async (t) => {
  const auth = await startAuth(t)
  const put = (token: string, body: CallOptions['body']) =>
    auth.call('PUT', '/api/v1/users/me/password', { token, body })
  const change = (token: string, new_password = NEW, current_password = PASSWORD) =>
    put(token, { current_password, new_password })
  const me = (token: string) => auth.call('GET', '/api/v1/users/me', { token })
  const refresh = (refresh_token: string) => auth.call('POST', '/api/v1/refresh', { body: { refresh_token } })
  const login = ({ username }: TestUser, password: string) =>
    auth.call('POST', '/api/v1/login', { body: { username, password } })

  await onlyForUsers(t, auth, 'PUT', '/api/v1/users/me/password')

  await t.test('ends every session and answers with the pair of a new one', async (t) => {
    const user = await auth.newUser()
    const [pair, other] = [await auth.login(user), await auth.login(user)]
    const changed = await change(pair.access_token)
    t.equal(changed.status, 200)
    t.equal(changed.headers['cache-control'], 'no-store')
    t.equal(changed.headers['revocation-pending'], '0')
    const [before, after] = [decodeJwt(pair.access_token), decodeJwt(changed.body.access_token)]
    t.not(after.sid, before.sid)
    t.equal(after.ver, before.ver + 1)
    for (const old of [pair, other]) {
      t.equal((await me(old.access_token)).body.code, 'AUTH_TOKEN_INVALID')
      t.equal((await refresh(old.refresh_token)).body.code, 'AUTH_REFRESH_INVALID')
    }
    t.equal((await me(changed.body.access_token)).status, 200)
    t.equal((await refresh(changed.body.refresh_token)).status, 200)
    t.strictSame([(await login(user, PASSWORD)).status, (await login(user, NEW)).status], [401, 200])
  })

  await t.test('a wrong current password is refused with 403 and changes nothing', async (t) => {
    const user = await auth.newUser()
    const pair = await auth.login(user)
    const refused = await change(pair.access_token, NEW, 'not the password')
    t.equal(refused.status, 403)
    t.equal(refused.body.code, 'AUTH_PASSWORD_WRONG')
    t.equal(refused.body.errors[0].pointer, '/current_password')
    t.equal((await me(pair.access_token)).status, 200)
    t.equal((await login(user, PASSWORD)).status, 200)
  })

  await t.test('a common password is refused, and so is what does not fit', async (t) => {
    const pair = await auth.login(await auth.newUser())
    const common = await change(pair.access_token, 'Password123')
    t.equal(common.status, 400)
    t.equal(common.body.code, 'AUTH_PASSWORD_COMMON')
    t.equal(common.body.errors[0].pointer, '/new_password')
    const cases: [object, string, string][] = [
      [{ new_password: NEW }, '/current_password', 'required'],
      [{ current_password: PASSWORD }, '/new_password', 'required'],
      [{ current_password: PASSWORD, new_password: 'short' }, '/new_password', 'too_short'],
      [{ current_password: PASSWORD, new_password: 'x'.repeat(257) }, '/new_password', 'too_long'],
      [{ current_password: PASSWORD, new_password: 'nul \u0000 inside' }, '/new_password', 'format'],
      [{ current_password: PASSWORD, new_password: NEW, username: 'x' }, '/username', 'unknown'],
    ]
    for (const [body, pointer, code] of cases) {
      const answer = await put(pair.access_token, body)
      t.equal(answer.status, 400)
      t.match(answer.body.errors, [{ pointer, code }])
    }
    t.equal((await me(pair.access_token)).status, 200)
  })

  await t.test('of several changes at once one is made', async (t) => {
    const user = await auth.newUser()
    const pair = await auth.login(user)
    const answers = await Promise.all([1, 2, 3].map((n) => change(pair.access_token, `${NEW} ${n}`)))
    t.equal(statusesOf(answers)[0], 200)
    t.equal(answers.filter((answer) => answer.status === 200).length, 1)
    t.ok(
      answers.every(
        ({ status, body }) => status === 200 || status === 401 || body.code === 'AUTH_PASSWORD_WRONG',
      ),
    )
  })

  await t.test('a login checked against the old password meanwhile opens no session', async (t) => {
    const user = await auth.newUser()
    const answer = await meanwhile(
      auth,
      user.id,
      () => login(user, PASSWORD),
      async (db) => {
        const password_hash = await auth.app.passwords.hash(NEW)
        await db.updateTable('users').set({ password_hash }).where('id', '=', user.id).execute()
      },
    )
    t.equal(answer.status, 401)
    const sessions = await auth.app.db
      .selectFrom('sessions')
      .select('id')
      .where('user_id', '=', user.id)
      .execute()
    t.strictSame(sessions, [])
  })

  await t.test(
    'a change that comes second is refused for its token, and counts as no wrong password',
    async (t) => {
      const user = await auth.newUser()
      const pair = await auth.login(user)
      const client = await auth.app.pg.connect()
      await client.query('begin; lock table users')
      const answer = change(pair.access_token)
      await isBlocked(auth)
      const password_hash = await auth.app.passwords.hash(NEW)
      await client.query('update users set password_hash = $1, ver = ver + 1 where id = $2', [
        password_hash,
        user.id,
      ])
      await client.query('commit')
      client.release()
      t.match(await answer, { status: 401, body: { code: 'AUTH_TOKEN_INVALID' } })
      const { access_token } = (await login(user, NEW)).body
      const { body } = await auth.call('GET', '/api/v1/users/me/logins', { token: access_token })
      t.notOk(JSON.stringify(body).includes('wrong_password'))
    },
  )

  await t.test('a hash that only its cost has changed meanwhile refuses nobody', async (t) => {
    const user = await auth.newUser()
    const rehash = async (db: typeof auth.app.db) => {
      const password_hash = await auth.app.passwords.hash(PASSWORD)
      await db.updateTable('users').set({ password_hash }).where('id', '=', user.id).execute()
    }
    const loggedIn = await meanwhile(auth, user.id, () => login(user, PASSWORD), rehash)
    t.equal(loggedIn.status, 200)
    const changed = await meanwhile(auth, user.id, () => change(loggedIn.body.access_token), rehash)
    t.equal(changed.status, 200)
  })
})

t.test('a login brings the hash of a password to the cost of today', async (t) => {
  const auth = await startAuth(t)
  const user = await auth.newUser()
  const hashOf = async () => {
    const row = await auth.app.db
      .selectFrom('users')
      .select('password_hash')
      .where('id', '=', user.id)
      .executeTakeFirstOrThrow()
    return row.password_hash
  }
  const before = await hashOf()
  const dearer = await auth.another({ ARGON2_TIME_COST: '2' })
  const { statusCode } = await dearer.inject({
    method: 'POST',
    url: '/api/v1/login',
    payload: { username: user.username, password: user.password },
  })
  t.equal(statusCode, 200)
  t.match(before, /\$m=8,t=1,p=1\$/)
  t.match(await hashOf(), /\$m=8,t=2,p=1\$/)
  t.ok(await auth.login(user))
})

t.test('a login succeeds also if there is no room to hash its password again', async (t) => {
  const auth = await startAuth(t)
  const user = await auth.newUser()
  const dearer = await auth.another({ ARGON2_TIME_COST: '2' })
  dearer.passwords.hash = () => Promise.reject(new Error('no room'))
  const { statusCode } = await dearer.inject({
    method: 'POST',
    url: '/api/v1/login',
    payload: { username: user.username, password: user.password },
  })
  t.equal(statusCode, 200)
  t.ok(await auth.login(user))
})
