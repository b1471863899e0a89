import t from 'tap'
import { startAuth } from './support/auth.ts'
import { newAdmin } from './support/admins.ts'
import { newClient } from './support/client.ts'

const ID = '019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77'
const ROUTES = [
  ['GET', `/users/${ID}`],
  ['GET', `/users/${ID}/logins`],
  ['POST', `/users/${ID}/logout_all`],
  ['PUT', `/users/${ID}/status`, { status: 'disabled' }],
  ['PUT', `/users/${ID}/roles`, { roles: [] }],
  ['PUT', `/users/${ID}/roles/moderator`],
  ['DELETE', `/users/${ID}/roles/moderator`],
  ['GET', '/roles'],
  ['POST', '/roles', { name: 'editor' }],
  ['DELETE', '/roles/editor'],
  ['GET', '/clients'],
  ['POST', '/clients', { name: 'x', scopes: [] }],
  ['GET', '/clients/x'],
  ['PATCH', '/clients/x', { name: 'y' }],
  ['DELETE', '/clients/x'],
  ['POST', '/clients/x/secret'],
] as const

t.test('routes of admins', async (t) => {
  const auth = await startAuth(t)
  const user = await auth.login(await auth.newUser({ roles: ['user', 'moderator'] }))
  const client = await newClient(auth, 'users:changes')
  const admin = await newAdmin(auth)

  for (const [method, path, body] of ROUTES)
    await t.test(`${method} ${path.replace(ID, '{id}')} is for admins and nobody else`, async (t) => {
      const call = (token?: string) => auth.call(method, `/api/v1${path}`, { body, token })
      const without = await call()
      t.equal(without.status, 401)
      t.equal(without.body.code, 'AUTH_TOKEN_MISSING')
      t.equal((await call('a.b.c')).body.code, 'AUTH_TOKEN_INVALID')
      t.equal((await call(admin.pair.refresh_token)).status, 401)
      const byUser = await call(user.access_token)
      t.equal(byUser.status, 403)
      t.equal(byUser.body.code, 'AUTH_FORBIDDEN')
      const byClient = await call(client.token)
      t.equal(byClient.status, 403)
      t.equal(byClient.body.code, 'AUTH_CLIENT_TOKEN')
      t.not((await call(admin.pair.access_token)).status, 403)
    })

  await t.test('whoever is an admin no more gets in no more', async (t) => {
    const other = await newAdmin(auth)
    t.equal((await other.call('GET', '/api/v1/roles')).status, 200)
    t.equal((await admin.call('DELETE', `/api/v1/users/${other.id}/roles/admin`)).status, 200)
    t.equal((await other.call('GET', '/api/v1/roles')).status, 401)
    const refreshed = await auth.call('POST', '/api/v1/refresh', {
      body: { refresh_token: other.pair.refresh_token },
    })
    t.equal((await auth.call('GET', '/api/v1/roles', { token: refreshed.body.access_token })).status, 403)
  })
})
