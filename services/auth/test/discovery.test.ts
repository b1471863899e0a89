import t from 'tap'
import { startAuth } from './support/auth.ts'

t.test('discovery', async (t) => {
  const auth = await startAuth(t)
  const { body: metadata } = await auth.call('GET', '/.well-known/oauth-authorization-server')

  await t.test('the metadata names this issuer and says that there is nothing to authorize at', async (t) => {
    t.equal(metadata.issuer, 'http://auth.test')
    t.strictSame(metadata.response_types_supported, [])
    t.notOk('authorization_endpoint' in metadata)
    t.strictSame(metadata.grant_types_supported, ['client_credentials', 'refresh_token'])
  })

  await t.test('clients of OpenID find the same metadata', async (t) => {
    const { status, body, headers } = await auth.call('GET', '/.well-known/openid-configuration')
    t.equal(status, 200)
    t.strictSame(body, metadata)
    t.match(headers['cache-control'], /^public, max-age=\d+/)
  })

  await t.test('every endpoint that the metadata names is there', async (t) => {
    for (const [name, url] of Object.entries<string>(metadata)) {
      if (!name.endsWith('_endpoint') && name !== 'jwks_uri') continue
      t.ok(url.startsWith('http://auth.test/'), name)
      const method = name === 'jwks_uri' ? 'GET' : 'POST'
      const { status } = await auth.call(method, new URL(url).pathname)
      t.notOk([404, 405].includes(status), `${name}: ${status}`)
    }
  })

  await t.test('a stale token is not looked at', async (t) => {
    for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/jwks.json'])
      t.equal((await auth.call('GET', path, { token: 'stale' })).status, 200)
  })

  await t.test(
    'the key set holds public keys of one kind, and the one that signs is among them',
    async (t) => {
      const { body } = await auth.call('GET', '/.well-known/jwks.json')
      const { access_token } = await auth.login(await auth.newUser())
      const header = JSON.parse(Buffer.from(access_token.split('.')[0] ?? '', 'base64url').toString())
      t.ok(body.keys.some((key: { kid: string }) => key.kid === header.kid))
      for (const key of body.keys) {
        t.match(key, { kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })
        t.notOk('d' in key)
      }
    },
  )

  await t.test('the key set may be kept for five minutes, and asked for again by its tag', async (t) => {
    const first = await auth.call('GET', '/.well-known/jwks.json')
    t.equal(
      first.headers['cache-control'],
      'public, max-age=300, stale-while-revalidate=60, stale-if-error=3600',
    )
    const again = await auth.call('GET', '/.well-known/jwks.json', {
      headers: { 'if-none-match': String(first.headers['etag']) },
    })
    t.equal(again.status, 304)
    t.equal(again.body, '')
  })
})
