import t, { type Test } from 'tap'
import { startAuth } from './support/auth.ts'
import { registerClient } from './support/client.ts'
import { clientToken, postForm } from './support/oauth.ts'

t.test('introspection', async (t) => {
  const auth = await startAuth(t)
  const gateway = await registerClient(auth, { scopes: ['tokens:introspect'] })
  const introspect = async (token: string, client = gateway) => {
    const { status, headers, body } = await postForm(auth, '/oauth/introspect', { token }, client)
    if (status !== 200 || headers['cache-control'] !== 'no-store') throw new Error(`answered ${status}`)
    return body
  }
  const inactive = async (t: Test, token: string) => t.strictSame(await introspect(token), { active: false })
  const login = async () => auth.login(await auth.newUser())

  await t.test('tells what an access token of a user says', async (t) => {
    const user = await auth.newUser({ roles: ['user', 'moderator'] })
    const pair = await auth.login(user)
    t.match(await introspect(pair.access_token), {
      active: true,
      token_type: 'Bearer',
      client_id: 'portcullis',
      sub: user.id,
      username: user.username,
      roles: ['user', 'moderator'],
      iss: 'http://auth.test',
      aud: 'portcullis',
      exp: Number,
      iat: Number,
      jti: String,
      sid: String,
    })
  })

  await t.test('tells what an access token of a client says', async (t) => {
    const client = await registerClient(auth, { scopes: ['users:changes', 'revocations:read'] })
    const body = await introspect(await clientToken(auth, client))
    t.match(body, { active: true, sub: client.client_id, scope: 'users:changes revocations:read' })
    t.notOk('username' in body)
  })

  await t.test('tells whose a refresh token is, and uses it not up', async (t) => {
    const user = await auth.newUser()
    const { refresh_token } = await auth.login(user)
    const body = await introspect(refresh_token)
    t.match(body, { active: true, sub: user.id, username: user.username, client_id: 'portcullis' })
    t.notOk('token_type' in body, 'it is no bearer token')
    t.equal((await auth.call('POST', '/api/v1/refresh', { body: { refresh_token } })).status, 200)
  })

  await t.test('a hint, right or wrong or unknown, changes nothing', async (t) => {
    const pair = await login()
    for (const token of [pair.access_token, pair.refresh_token])
      for (const token_type_hint of ['access_token', 'refresh_token', 'saml'])
        t.match(await postForm(auth, '/oauth/introspect', { token, token_type_hint }, gateway), {
          status: 200,
          body: { active: true },
        })
  })

  await t.test('after logout no token of the session is active', async (t) => {
    const pair = await login()
    await auth.call('POST', '/api/v1/logout', { token: pair.access_token })
    await inactive(t, pair.access_token)
    await inactive(t, pair.refresh_token)
  })

  await t.test('a disabled user has no active token', async (t) => {
    const user = await auth.newUser()
    const { refresh_token } = await auth.login(user)
    await auth.app.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', user.id).execute()
    await inactive(t, refresh_token)
  })

  await t.test('a refresh token is active as long as it would be exchanged, and no longer', async (t) => {
    const pair = await login()
    await auth.call('POST', '/api/v1/refresh', { body: { refresh_token: pair.refresh_token } })
    t.match(await introspect(pair.refresh_token), { active: true })
    await auth.advance(11_000)
    await inactive(t, pair.refresh_token)
  })

  await t.test('an expired token is not active', async (t) => {
    const pair = await login()
    await auth.advance(901_000)
    await inactive(t, pair.access_token)
    await auth.advance(14 * 86_400_000)
    await inactive(t, pair.refresh_token)
  })

  await t.test('the tokens of a disabled client are not active', async (t) => {
    const client = await registerClient(auth)
    const token = await clientToken(auth, client)
    const admin = await auth.login(await auth.newUser({ roles: ['admin'] }))
    await auth.call('PATCH', `/api/v1/clients/${client.client_id}`, {
      token: admin.access_token,
      body: { status: 'disabled' },
    })
    await inactive(t, token)
  })

  await t.test('what is no token of ours is not active, whatever it is', async (t) => {
    const { access_token } = await login()
    for (const token of [
      'x',
      '..',
      access_token.slice(0, -3),
      `${access_token}x`,
      'x'.repeat(10_000),
      '\u0000',
    ])
      await inactive(t, token)
  })

  await t.test('a client without the scope, or without its secret, is told nothing', async (t) => {
    const { access_token: token } = await login()
    const other = await registerClient(auth, { scopes: ['tokens:revoke'] })
    const forbidden = await postForm(auth, '/oauth/introspect', { token }, other)
    t.equal(forbidden.status, 403)
    t.equal(forbidden.body.error, 'insufficient_scope')
    const wrong = await postForm(auth, '/oauth/introspect', { token }, { ...gateway, client_secret: 'wrong' })
    t.match(wrong, { status: 401, body: { error: 'invalid_client' } })
    const nobody = await postForm(auth, '/oauth/introspect', { token })
    t.match(nobody, { status: 401, body: { error: 'invalid_client' } })
    const bearer = await auth.call('POST', '/oauth/introspect', {
      token,
      body: `token=${token}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    t.match(bearer, { status: 401, body: { error: 'invalid_client' } })
  })

  await t.test('a request without a token, or with two, is refused', async (t) => {
    for (const form of [
      {},
      { token: '' },
      [
        ['token', 'a'],
        ['token', 'b'],
      ],
    ]) {
      const { status, body } = await postForm(auth, '/oauth/introspect', form, gateway)
      t.equal(status, 400)
      t.equal(body.error, 'invalid_request')
    }
  })

  await t.test(
    'while revocations are not known, the answer is 503 and not that the token is bad',
    async (t) => {
      const { access_token: token } = await login()
      auth.clock.advance(3000)
      const { status, body, headers } = await postForm(auth, '/oauth/introspect', { token }, gateway)
      t.equal(status, 503)
      t.equal(body.error, 'temporarily_unavailable')
      t.ok(headers['retry-after'])
      await auth.advance(0)
    },
  )
})
