import t from 'tap'
import { startProxy } from '@portcullis/test-kit'
import { giveUpRefreshKeys, withSpares } from '../src/keys/rotate.ts'
import type {} from '../src/plugins/keyring.ts'
import { callOf, startAuth } from './support/auth.ts'
import { registerClient } from './support/client.ts'
import { clientToken, postForm, type Credentials } from './support/oauth.ts'

t.test('revocation', async (t) => {
  const auth = await startAuth(t)
  const revoke = (token: string, client?: Credentials, more: Record<string, string> = {}) =>
    postForm(auth, '/oauth/revoke', { token, ...more }, client)
  const login = async () => auth.login(await auth.newUser())
  const me = async (token: string) => (await auth.call('GET', '/api/v1/users/me', { token })).status
  const refresh = (refresh_token: string) => auth.call('POST', '/api/v1/refresh', { body: { refresh_token } })
  const events = async () =>
    Number((await auth.app.db.selectFrom('revocation_head').select('seq').executeTakeFirst())?.seq)

  await t.test('a refresh token that is revoked ends its session with all tokens, at once', async (t) => {
    const first = await login()
    const second = (await refresh(first.refresh_token)).body
    const { status, headers, body } = await revoke(second.refresh_token, undefined, {
      client_id: 'portcullis',
    })
    t.equal(status, 200)
    t.strictSame(body, {})
    t.equal(headers['cache-control'], 'no-store')
    t.equal(headers['revocation-pending'], '0')
    for (const token of [first.access_token, second.access_token]) t.equal(await me(token), 401)
    t.equal((await refresh(second.refresh_token)).body.code, 'AUTH_REFRESH_INVALID')
  })

  await t.test('a refresh token that has been used still ends its session', async (t) => {
    const first = await login()
    const second = (await refresh(first.refresh_token)).body
    t.equal((await revoke(first.refresh_token)).status, 200)
    t.equal(await me(second.access_token), 401)
  })

  await t.test('an access token that is revoked dies alone', async (t) => {
    const first = await login()
    const second = (await refresh(first.refresh_token)).body
    t.equal((await revoke(second.access_token)).status, 200)
    t.equal(await me(second.access_token), 401)
    t.equal(await me(first.access_token), 200)
    t.equal((await refresh(second.refresh_token)).status, 200)
  })

  await t.test('a client revokes its own token', async (t) => {
    const client = await registerClient(auth)
    const token = await clientToken(auth, client)
    t.equal((await revoke(token, client)).status, 200)
    t.equal((await auth.call('GET', '/api/v1/users/changes', { token })).status, 401)
    const next = await clientToken(auth, client)
    t.equal((await auth.call('GET', '/api/v1/users/changes', { token: next })).status, 200)
  })

  await t.test('nobody revokes the tokens of others without the scope', async (t) => {
    const client = await registerClient(auth)
    const other = await registerClient(auth)
    const pair = await login()
    const token = await clientToken(auth, client)
    for (const [foreign, caller] of [
      [pair.access_token, client],
      [pair.refresh_token, client],
      [token, other],
      [token, undefined],
    ] as const) {
      const { status, body } = await revoke(foreign, caller)
      t.equal(status, 400)
      t.equal(body.error, 'unauthorized_client')
    }
    t.equal(await me(pair.access_token), 200)
    t.equal((await auth.call('GET', '/api/v1/users/changes', { token })).status, 200)
  })

  await t.test('a client with the scope revokes any token', async (t) => {
    const guard = await registerClient(auth, { scopes: ['tokens:revoke'] })
    const token = await clientToken(auth, await registerClient(auth))
    const pair = await login()
    for (const any of [token, pair.refresh_token]) t.equal((await revoke(any, guard)).status, 200)
    t.equal((await auth.call('GET', '/api/v1/users/changes', { token })).status, 401)
    t.equal(await me(pair.access_token), 401)
  })

  await t.test(
    'a token that is unknown, malformed or expired is answered with 200 and revokes nothing',
    async (t) => {
      const before = await events()
      const pair = await login()
      for (const token of [
        'x',
        '..',
        `${pair.access_token}x`,
        pair.refresh_token.slice(0, -3),
        'x'.repeat(10_000),
      ])
        t.equal((await revoke(token)).status, 200)
      t.equal(await me(pair.access_token), 200)
      await auth.advance(15 * 86_400_000)
      for (const token of [pair.access_token, pair.refresh_token]) t.equal((await revoke(token)).status, 200)
      t.equal(await events(), before)
    },
  )

  await t.test('repeating a revocation is harmless and writes nothing', async (t) => {
    const pair = await login()
    const client = await registerClient(auth)
    const token = await clientToken(auth, client)
    const first = [
      await revoke(pair.access_token),
      await revoke(pair.refresh_token),
      await revoke(token, client),
    ]
    const before = await events()
    const again = [
      await revoke(pair.access_token),
      await revoke(pair.refresh_token),
      await revoke(token, client),
    ]
    t.equal(await events(), before)
    for (const [index, answer] of again.entries()) {
      t.equal(answer.status, 200)
      t.equal(answer.headers['revocation-position'], first[index]?.headers['revocation-position'])
    }
  })

  await t.test('a hint, right or wrong or unknown, changes nothing', async (t) => {
    for (const token_type_hint of ['access_token', 'refresh_token', 'saml']) {
      const pair = await login()
      t.equal((await revoke(pair.refresh_token, undefined, { token_type_hint })).status, 200)
      t.equal(await me(pair.access_token), 401)
    }
  })

  await t.test(
    'while a verifier has not said that it knows, the answer is 503, and 200 once it has',
    async (t) => {
      const pair = await login()
      await auth.app.db
        .insertInto('verifiers')
        .values({ name: 'silent/1', client_id: 'silent', max_age: 60 })
        .execute()
      const pending = await revoke(pair.refresh_token)
      t.equal(pending.status, 503)
      t.equal(pending.body.error, 'temporarily_unavailable')
      t.equal(pending.headers['retry-after'], '1')
      t.equal(pending.headers['revocation-pending'], '1')
      t.equal(await me(pair.access_token), 401, 'whoever does know refuses the token already')
      const alone = await login()
      for (const [token, time] of [
        [pair.refresh_token, 'second'],
        [alone.access_token, 'first'],
        [alone.access_token, 'second'],
      ] as const) {
        const repeated = await revoke(token)
        t.equal(repeated.status, 503, `${time} time`)
        t.equal(repeated.headers['revocation-pending'], '1')
      }
      await auth.app.db.deleteFrom('verifiers').where('name', '=', 'silent/1').execute()
      t.equal((await revoke(pair.refresh_token)).status, 200)
    },
  )

  await t.test('a client with a wrong secret, or none, is refused', async (t) => {
    const client = await registerClient(auth)
    const token = await clientToken(auth, client)
    for (const answer of [
      await revoke(token, { ...client, client_secret: 'wrong' }),
      await revoke(token, undefined, { client_id: client.client_id }),
    ])
      t.match(answer, { status: 401, body: { error: 'invalid_client' } })
    t.equal((await auth.call('GET', '/api/v1/users/changes', { token })).status, 200)
  })

  await t.test('a request without a token, or with two, is refused', async (t) => {
    for (const form of [
      {},
      [
        ['token', 'a'],
        ['token', 'b'],
      ],
    ])
      t.match(await postForm(auth, '/oauth/revoke', form), {
        status: 400,
        body: { error: 'invalid_request' },
      })
  })
})

t.test(
  'an instance that cannot look for the key of a refresh token says neither that the token is',
  async (t) => {
    const auth = await startAuth(t)
    const user = await auth.newUser()
    const proxy = await startProxy(t, auth.databaseUrl)
    const call = callOf(await auth.another({ DATABASE_URL: proxy.url }))
    // It serves on until what it knows is too old.
    await proxy.cut()
    const maker = await withSpares(auth.app.keyMaker)
    await auth.app.transact(async (trx) => {
      const [key = ''] = await giveUpRefreshKeys(trx, maker)
      return { value: undefined, revoke: { kind: 'key', key } }
    })
    await auth.app.keyring.reload()
    const { refresh_token } = await auth.login(user)
    const refresh = (by: typeof call) => by('POST', '/api/v1/refresh', { body: { refresh_token } })

    await t.test('revoked', async (t) => {
      const { status, body, headers } = await postForm({ call }, '/oauth/revoke', { token: refresh_token })
      t.equal(status, 503)
      t.equal(body.error, 'temporarily_unavailable')
      t.equal(headers['retry-after'], '1')
    })

    await t.test('nor invalid', async (t) => {
      const { status, body, headers } = await refresh(call)
      t.equal(status, 503)
      t.equal(body.code, 'UNAVAILABLE')
      t.equal(headers['retry-after'], '1')
      t.equal((await refresh(auth.call)).status, 200)
    })
  },
)
