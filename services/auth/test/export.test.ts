import t from 'tap'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { LoginAttemptSchema, UserExportSchema, UserSchema } from '@portcullis/schemas'
import type {} from '../src/plugins/login-history.ts'
import { startAuth } from './support/auth.ts'
import { onlyForUsers } from './support/guards.ts'
import { decodeJwt } from './support/jwt.ts'

const PATH = '/api/v1/users/me/export'
const isExport = Compile(
  Type.Object({
    ...UserExportSchema.properties,
    user: UserSchema,
    logins: Type.Array(LoginAttemptSchema),
  }),
)

t.test('the export of a user', async (t) => {
  const auth = await startAuth(t)
  const read = (token: string) => auth.call('GET', PATH, { token })

  await onlyForUsers(t, auth, 'GET', PATH)

  await t.test('holds the user, every session and every attempt to log in', async (t) => {
    const user = await auth.newUser({ email: 'export@example.com' })
    const [ended, pair] = [await auth.login(user), await auth.login(user)]
    await auth.call('POST', '/api/v1/logout', { token: ended.access_token })
    await auth.call('POST', '/api/v1/login', { body: { username: user.username, password: 'wrong' } })
    await auth.app.loginHistory.flush()
    const { status, headers, body } = await read(pair.access_token)
    t.equal(status, 200)
    t.equal(headers['cache-control'], 'no-store')
    t.match(headers['content-disposition'], /^attachment; filename="portcullis-.+\.json"$/)
    t.ok(isExport.Check(body))
    t.match(body.user, { id: user.id, email: 'export@example.com' })
    t.match(body.sessions, [
      { id: decodeJwt(pair.access_token).sid, ended_at: null },
      { id: decodeJwt(ended.access_token).sid, ended_at: String, end_reason: 'logout' },
    ])
    t.match(body.logins, [{ outcome: 'wrong_password' }, { outcome: 'success' }, { outcome: 'success' }])
  })

  await t.test('holds no hash, no key and no token, and nothing of others', async (t) => {
    const user = await auth.newUser()
    await auth.login(await auth.newUser({ email: 'somebody-else@example.com' }))
    const pair = await auth.login(user)
    const response = await auth.app.inject({
      url: PATH,
      headers: { authorization: `Bearer ${pair.access_token}` },
    })
    for (const secret of ['argon2', 'hash', 'kid', 'eyJ', 'ver"', 'somebody-else'])
      t.notOk(response.body.includes(secret), secret)
    t.equal(response.json().sessions.length, 1)
  })

  await t.test('holds all of a long history', async (t) => {
    const user = await auth.newUser()
    const pair = await auth.login(user)
    await auth.app.db
      .insertInto('login_history')
      .values(Array.from({ length: 1100 }, () => ({ user_id: user.id, outcome: 'wrong_password' as const })))
      .execute()
    const { body } = await read(pair.access_token)
    t.equal(body.logins.length, 1101)
    t.equal(new Set(body.logins.map((login: { id: string }) => login.id)).size, 1101)
  })
})
