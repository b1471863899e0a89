import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import pg from 'pg'
import t from 'tap'
import { startProxy } from '@portcullis/test-kit'
import { callOf, startAuth, type Answer, type CallOptions, type TestAuth } from './support/auth.ts'
import { registerClient } from './support/client.ts'

const form = (fields: Record<string, string> | string[][]) => new URLSearchParams(fields).toString()

/** A call of the token endpoint, with a form as body and perhaps HTTP Basic. */
async function token(
  auth: { call: TestAuth['call'] },
  body: Record<string, string> | string[][] | string,
  options: { basic?: string; headers?: CallOptions['headers'] } = {},
): Promise<Answer> {
  return auth.call('POST', '/oauth/token', {
    body: typeof body === 'string' ? body : form(body),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(options.basic !== undefined && {
        authorization: `Basic ${Buffer.from(options.basic).toString('base64')}`,
      }),
      ...options.headers,
    },
  })
}

const claimsOf = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
const GRANT = { grant_type: 'client_credentials' }

t.test('client_credentials', async (t) => {
  const auth = await startAuth(t)
  const client = await registerClient(auth, { scopes: ['users:changes', 'revocations:read'] })
  const basic = `${client.client_id}:${client.client_secret}`
  const post = { client_id: client.client_id, client_secret: client.client_secret }

  await t.test('a client gets a token with all of its scopes, which no cache keeps', async (t) => {
    const { status, body, headers } = await token(auth, GRANT, { basic })
    t.equal(status, 200)
    t.equal(headers['cache-control'], 'no-store')
    t.match(body, { token_type: 'Bearer', expires_in: 900, scope: 'users:changes revocations:read' })
    t.notOk('refresh_token' in body)
    const claims = claimsOf(body.access_token)
    t.match(claims, { sub: client.client_id, client_id: client.client_id, ver: 1, iss: 'http://auth.test' })
    t.equal(claims.scope, 'users:changes revocations:read')
    for (const name of ['sid', 'gen', 'roles', 'username']) t.notOk(name in claims, name)
    t.equal(claims.exp - claims.iat, 900)
    t.type(claims.ep, 'number')
    t.equal((await auth.call('GET', '/api/v1/users/changes', { token: body.access_token })).status, 200)
  })

  await t.test(
    'its token is no younger than what was read of the client, however long it takes',
    async (t) => {
      const other = new pg.Client({ connectionString: auth.databaseUrl })
      await other.connect()
      await other.query('begin; lock table revocation_head in access exclusive mode')
      const began = auth.clock.now()
      const asked = token(auth, GRANT, { basic })
      await sleep(300)
      auth.clock.advance(60_000)
      await other.query('commit')
      await other.end()
      const { body } = await asked
      const { iat } = claimsOf(body.access_token)
      t.ok(iat * 1000 <= began)
      await auth.advance(0)
    },
  )

  await t.test('the token of a client is refused by routes of users', async (t) => {
    const { body } = await token(auth, GRANT, { basic })
    const me = await auth.call('GET', '/api/v1/users/me', { token: body.access_token })
    t.equal(me.status, 403)
    t.equal(me.body.code, 'AUTH_CLIENT_TOKEN')
  })

  await t.test('a client may authenticate in the form', async (t) => {
    t.equal((await token(auth, { ...GRANT, ...post })).status, 200)
  })

  await t.test('a client may ask for some of its scopes and for none that it lacks', async (t) => {
    const some = await token(auth, { ...GRANT, scope: 'users:changes' }, { basic })
    t.equal(some.body.scope, 'users:changes')
    for (const scope of ['tokens:revoke', 'users:changes tokens:revoke', 'users:changes  revocations:read']) {
      const { status, body } = await token(auth, { ...GRANT, scope }, { basic })
      t.equal(status, 400)
      t.equal(body.error, 'invalid_scope')
    }
  })

  await t.test('a parameter without a value counts as left out, an unknown one is ignored', async (t) => {
    const { status, body } = await token(
      auth,
      { ...GRANT, scope: '', resource: 'https://api.test' },
      { basic },
    )
    t.equal(status, 200)
    t.equal(body.scope, 'users:changes revocations:read')
  })

  await t.test('a client without scopes gets a token without', async (t) => {
    const none = await registerClient(auth, { scopes: [] })
    const { body } = await token(auth, GRANT, { basic: `${none.client_id}:${none.client_secret}` })
    t.notOk('scope' in body)
    t.equal(claimsOf(body.access_token).scope, '')
  })

  await t.test('id and secret in HTTP Basic are decoded as in a form', async (t) => {
    const secret = 'a secret: 100% of + and ü, 32 characters'
    const odd = await registerClient(auth, { secret })
    const encode = (text: string) => form({ v: text }).slice(2)
    const encoded = await token(auth, GRANT, { basic: `${encode(odd.client_id)}:${encode(secret)}` })
    t.equal(encoded.status, 200)
    t.equal((await token(auth, GRANT, { basic: `${odd.client_id}:${secret}` })).status, 401)
  })

  await t.test('whoever is not an active client with its secret is told no more than that', async (t) => {
    const disabled = await registerClient(auth)
    await auth.app.db
      .updateTable('clients')
      .set({ status: 'disabled' })
      .where('client_id', '=', disabled.client_id)
      .execute()
    const wrong = [
      `${client.client_id}:wrong`,
      `${client.client_id}:`,
      client.client_id,
      `nobody:${client.client_secret}`,
      `no\u0000body:x`,
      `:${client.client_secret}`,
      `${client.client_id}:%zz`,
      `${disabled.client_id}:${disabled.client_secret}`,
    ]
    for (const basic of wrong) {
      const { status, body, headers } = await token(auth, GRANT, { basic })
      t.equal(status, 401, JSON.stringify(basic))
      t.equal(body.error, 'invalid_client')
      t.match(headers['www-authenticate'], /^Basic realm="/)
      t.equal(headers['cache-control'], 'no-store')
    }
    for (const authorization of ['Basic', 'Basic !!!', 'basic a b', 'Bearer abc']) {
      const { status, body } = await token(auth, GRANT, { headers: { authorization } })
      t.equal(status, 401, authorization)
      t.equal(body.error, 'invalid_client')
    }
    t.equal((await token(auth, GRANT)).status, 401)
    t.equal((await token(auth, { ...GRANT, client_id: client.client_id })).status, 401)
  })

  await t.test('a stale bearer token beside a good secret does not matter', async (t) => {
    const { status } = await token(
      auth,
      { ...GRANT, ...post },
      { headers: { authorization: 'Bearer stale' } },
    )
    t.equal(status, 200)
  })

  await t.test('a client authenticates in one way only', async (t) => {
    const both = await token(auth, { ...GRANT, ...post }, { basic })
    t.equal(both.status, 400)
    t.equal(both.body.error, 'invalid_request')
    const other = await token(auth, { ...GRANT, client_id: 'other' }, { basic })
    t.equal(other.body.error, 'invalid_request')
    t.equal((await token(auth, { ...GRANT, client_id: client.client_id }, { basic })).status, 200)
  })

  await t.test('credentials in the address do not count', async (t) => {
    const { status } = await auth.call('POST', `/oauth/token?${form({ ...GRANT, ...post })}`, {
      body: form(GRANT),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    t.equal(status, 401)
  })
})

t.test('malformed requests', async (t) => {
  const auth = await startAuth(t)
  const client = await registerClient(auth)
  const basic = `${client.client_id}:${client.client_secret}`

  await t.test('a parameter that comes twice is refused and named, known or not', async (t) => {
    for (const name of ['grant_type', 'scope', 'client_id', 'unknown']) {
      const { status, body, headers } = await token(
        auth,
        [
          ['grant_type', 'client_credentials'],
          [name, 'a'],
          [name, 'a'],
        ],
        { basic },
      )
      t.equal(status, 400, name)
      t.equal(body.error, 'invalid_request')
      t.match(body.error_description, new RegExp(name))
      t.equal(headers['cache-control'], 'no-store')
      t.match(headers['content-type'], /^application\/json/)
    }
  })

  await t.test('a form without a grant, or with one that is not there, is told so', async (t) => {
    const none = await token(auth, {}, { basic })
    t.match(none.body, { error: 'invalid_request', error_description: /grant_type/ })
    const password = await token(auth, { grant_type: 'password' }, { basic })
    t.equal(password.status, 400)
    t.equal(password.body.error, 'unsupported_grant_type')
  })

  await t.test(
    'what is no form, or a compressed one, or too long, is refused in the form of RFC 6749',
    async (t) => {
      const json = await auth.call('POST', '/oauth/token', { body: GRANT })
      t.equal(json.status, 415)
      t.equal(json.body.error, 'invalid_request')
      const none = await auth.call('POST', '/oauth/token', {
        body: 'grant_type=client_credentials',
        headers: { 'content-type': 'foo' },
      })
      t.match(none, { status: 415, body: { error: 'invalid_request' } })
      const packed = await token(auth, GRANT, { basic, headers: { 'content-encoding': 'gzip' } })
      t.match(packed, { status: 415, headers: { 'accept-encoding': 'identity' } })
      t.match(packed.body, { error: 'invalid_request', error_description: /Content-Encoding/ })
      const long = await token(auth, { ...GRANT, padding: 'x'.repeat(40_000) }, { basic })
      t.equal(long.status, 413)
      t.equal(long.body.error, 'invalid_request')
      const empty = await auth.call('POST', '/oauth/token')
      t.equal(empty.status, 400)
      t.equal(empty.body.error, 'invalid_request')
    },
  )

  await t.test('whatever is sent, the answer is an error of RFC 6749 in printable ASCII', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 60 }), fc.boolean(), async (text, asBasic) => {
        const { status, body } = asBasic
          ? await token(auth, GRANT, { basic: text })
          : await token(auth, text.toWellFormed(), { basic })
        return (
          status >= 400 &&
          status < 500 &&
          /^[a-z_]+$/.test(body.error) &&
          /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(body.error_description)
        )
      }),
      { numRuns: 200 },
    )
  })

  await t.test('a store that is away is no fault of the client', async (t) => {
    const proxy = await startProxy(t, auth.databaseUrl)
    const down = await auth.another({ DATABASE_URL: proxy.url })
    await proxy.cut()
    const { status, body, headers } = await token({ call: callOf(down) }, GRANT, { basic })
    t.equal(status, 503)
    t.equal(body.error, 'temporarily_unavailable')
    t.ok(headers['retry-after'])
  })
})

t.test('refresh_token', async (t) => {
  const auth = await startAuth(t)
  const client = await registerClient(auth)
  const grant = (refresh_token: string) => ({ grant_type: 'refresh_token', refresh_token })
  const login = async () => auth.login(await auth.newUser())

  await t.test('the public client refreshes a login, with its name or without', async (t) => {
    const first = await login()
    const second = await token(auth, grant(first.refresh_token))
    t.equal(second.status, 200)
    t.equal(second.headers['cache-control'], 'no-store')
    const third = await token(auth, { ...grant(second.body.refresh_token), client_id: 'portcullis' })
    t.equal(third.status, 200)
    t.equal((await auth.call('GET', '/api/v1/users/me', { token: third.body.access_token })).status, 200)
  })

  await t.test('a bad, used or missing refresh token is refused', async (t) => {
    const first = await login()
    await token(auth, grant(first.refresh_token))
    await auth.advance(11_000)
    for (const refreshToken of [first.refresh_token, first.access_token, 'x']) {
      const { status, body } = await token(auth, grant(refreshToken))
      t.equal(status, 400)
      t.equal(body.error, 'invalid_grant')
    }
    t.equal((await token(auth, { grant_type: 'refresh_token' })).body.error, 'invalid_request')
  })

  await t.test('another client cannot refresh a login, nor does it use the token up', async (t) => {
    const { refresh_token } = await login()
    const basic = `${client.client_id}:${client.client_secret}`
    t.equal((await token(auth, grant(refresh_token), { basic })).body.error, 'invalid_grant')
    const bad = await token(auth, grant(refresh_token), { basic: `${client.client_id}:x` })
    t.equal(bad.body.error, 'invalid_client')
    const unproven = await token(auth, { ...grant(refresh_token), client_id: client.client_id })
    t.equal(unproven.status, 401)
    t.equal((await token(auth, { ...grant(refresh_token), scope: 'admin' })).body.error, 'invalid_scope')
    t.equal((await token(auth, grant(refresh_token))).status, 200)
  })
})

t.test('the limit of requests', async (t) => {
  const auth = await startAuth(t, { RATE_LIMIT_MAX: '5' })
  const [a, b] = [await registerClient(auth), await registerClient(auth)]
  const basicOf = (client: typeof a) => `${client.client_id}:${client.client_secret}`

  await t.test('counts by client, however it authenticates, and not by address', async (t) => {
    for (let i = 0; i < 3; i++) t.equal((await token(auth, GRANT, { basic: basicOf(a) })).status, 200)
    const post = { ...GRANT, client_id: a.client_id, client_secret: a.client_secret }
    for (let i = 0; i < 2; i++) t.equal((await token(auth, post)).status, 200)
    const sixth = await token(auth, GRANT, { basic: basicOf(a) })
    t.equal(sixth.status, 429)
    t.equal(sixth.body.error, 'temporarily_unavailable')
    t.ok(sixth.headers['retry-after'])
    t.match(sixth.headers['ratelimit'], /^"default";r=0;t=\d+$/)
    t.equal((await token(auth, GRANT, { basic: basicOf(b) })).status, 200)
  })

  await t.test('does not let somebody without the secret use up what a client has left', async (t) => {
    for (let i = 0; i < 10; i++) await token(auth, GRANT, { basic: `${b.client_id}:wrong` })
    t.equal((await token(auth, GRANT, { basic: `${b.client_id}:wrong` })).status, 429)
    t.equal((await token(auth, GRANT, { basic: basicOf(b) })).status, 200)
  })
})
