import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { startIssuer, type Teardown, type TestIssuer } from '@portcullis/test-kit'
import tokenVerifier from '@portcullis/token-verifier/fastify'
import { event } from './support/events.ts'
import { forgeries } from './support/forge.ts'
import { freshVerifier } from './support/fresh.ts'

async function build(t: Teardown, issuer: TestIssuer) {
  const { verifier, replica } = freshVerifier(issuer, { boundedStalenessSeconds: 30 })
  const app = fastify()
  t.teardown(() => app.close())
  await app.register(tokenVerifier, { verifier, realm: 'test' })
  app.get('/user', { onRequest: app.authenticate }, async (request) => request.user)
  app.get('/client', { onRequest: app.authenticateClient }, async (request) => request.client)
  app.get(
    '/admin',
    { onRequest: app.requireRole('admin', 'moderator') },
    async (request) => request.user.roles,
  )
  app.get('/scope', { onRequest: app.requireScope('a', 'b') }, async (request) => request.client.scope)
  const bounded = { onRequest: app.authenticate, config: { revocation: 'bounded' as const } }
  app.get('/bounded', bounded, async (request) => request.user)
  return { app, verifier, replica }
}

function get(app: FastifyInstance, url: string, token?: string, headers: Record<string, string> = {}) {
  return app.inject({
    url,
    headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
  })
}

t.test('users come in with a user token, clients with a client token', async (t) => {
  const issuer = await startIssuer(t)
  const { app } = await build(t, issuer)
  t.match((await get(app, '/user', issuer.mint({ user: 'ada' }))).json(), { username: 'ada' })
  t.match((await get(app, '/client', issuer.mintClient({ clientId: 'c' }))).json(), { client_id: 'c' })
  const swapped = await get(app, '/user', issuer.mintClient())
  t.match(swapped, { statusCode: 403 })
  t.match(swapped.json(), { code: 'AUTH_CLIENT_TOKEN' })
  const refused = await get(app, '/client', issuer.mint())
  t.equal(refused.statusCode, 403)
  t.equal(refused.headers['www-authenticate'], 'Bearer realm="test", error="insufficient_scope"')
})

t.test('a role opens what is for one of several roles, a scope what is for all of several', async (t) => {
  const issuer = await startIssuer(t)
  const { app } = await build(t, issuer)
  t.match(await get(app, '/admin', issuer.mint({ roles: ['user', 'moderator'] })), { statusCode: 200 })
  const roleless = await get(app, '/admin', issuer.mint())
  t.match(roleless.json(), { statusCode: 403, code: 'AUTH_FORBIDDEN' })
  t.match(await get(app, '/scope', issuer.mintClient({ scope: 'b c a' })), { statusCode: 200 })
  const scopeless = await get(app, '/scope', issuer.mintClient({ scope: 'a' }))
  t.match(scopeless.json(), { statusCode: 403, code: 'AUTH_SCOPE_INSUFFICIENT' })
  t.equal(
    scopeless.headers['www-authenticate'],
    'Bearer realm="test", error="insufficient_scope", scope="a b"',
  )
})

t.test(
  'without a token the challenge is bare, with a bad one it says invalid_token (RFC 6750 section 3.1)',
  async (t) => {
    const issuer = await startIssuer(t)
    const { app } = await build(t, issuer)
    for (const authorization of [undefined, '', 'Basic dTpw', 'Bearerx'])
      for (const url of ['/user', '/client', '/admin', '/scope']) {
        const response = await app.inject({
          url,
          headers: authorization === undefined ? {} : { authorization },
        })
        t.match(response.json(), { statusCode: 401, code: 'AUTH_TOKEN_MISSING' })
        t.equal(response.headers['www-authenticate'], 'Bearer realm="test"')
      }
    for (const authorization of [
      'Bearer',
      'Bearer ',
      'bearer bad',
      'Bearer a b',
      `Bearer ${'a'.repeat(9000)}`,
    ])
      for (const url of ['/user', '/client', '/admin', '/scope']) {
        const response = await app.inject({ url, headers: { authorization } })
        t.match(response.json(), { statusCode: 401, code: 'AUTH_TOKEN_INVALID' }, authorization.slice(0, 20))
        t.equal(response.headers['www-authenticate'], 'Bearer realm="test", error="invalid_token"')
      }
  },
)

t.test('every forgery is answered with 401 and the same body', async (t) => {
  const issuer = await startIssuer(t)
  const { app } = await build(t, issuer)
  const bodies = new Set<string>()
  for (const [name, token] of Object.entries(forgeries(issuer))) {
    // Such bytes cannot be sent in a header.
    if (!/^[\x20-\x7e]*$/.test(token) || token === '') continue
    const response = await get(app, '/user', token)
    t.equal(response.statusCode, 401, name)
    bodies.add(response.body)
  }
  t.equal(bodies.size, 1)
})

t.test('a remembered token is refused on the next request after it was revoked', async (t) => {
  const issuer = await startIssuer(t)
  const { app, replica } = await build(t, issuer)
  const token = issuer.mint({ session: 's' })
  t.match(await get(app, '/user', token), { statusCode: 200 })
  t.match(await get(app, '/user', token), { statusCode: 200 })
  replica.apply([event(1, 's')])
  t.match(await get(app, '/user', token), { statusCode: 401 })
})

t.test('when the replica is too old strict routes answer 503 and bounded ones go on', async (t) => {
  const issuer = await startIssuer(t)
  const { app } = await build(t, issuer)
  const token = issuer.mint()
  issuer.clock.advance(2001)
  const strict = await get(app, '/user', token)
  t.match(strict.json(), { statusCode: 503, code: 'AUTH_REVOCATIONS_STALE' })
  t.equal(strict.headers['retry-after'], '1')
  t.match(await get(app, '/bounded', token), { statusCode: 200 })
  issuer.clock.advance(28_000)
  t.match(await get(app, '/bounded', token), { statusCode: 503 })
})

t.test(
  'If-Revocation-Position is waited for, is 503 when it is not reached, and 400 when it is no position',
  async (t) => {
    const issuer = await startIssuer(t)
    const { app, replica } = await build(t, issuer)
    const token = issuer.mint()
    t.match(await get(app, '/user', token, { 'if-revocation-position': '1-0' }), { statusCode: 200 })
    const waiting = get(app, '/user', token, { 'if-revocation-position': '1-1' })
    setImmediate(() => replica.apply([event(1, 'other')]))
    t.match(await waiting, { statusCode: 200 })
    t.match(await get(app, '/user', token, { 'if-revocation-position': '9-9' }), { statusCode: 503 })
    for (const position of ['x', '', '1', '1-', '-1', '1-2-3', '1-0, 1-0'])
      t.match(await get(app, '/user', token, { 'if-revocation-position': position }), { statusCode: 400 })
    for (const position of ['9-9', 'x'])
      for (const url of ['/user', '/client'])
        t.match(await get(app, url, 'bad', { 'if-revocation-position': position }), { statusCode: 401 })
  },
)

t.test('request.jwtVerify() of @fastify/jwt decides alike', async (t) => {
  const issuer = await startIssuer(t)
  const { app, replica } = await build(t, issuer)
  app.get('/own', async (request) => {
    await request.jwtVerify()
    return request.user
  })
  const token = issuer.mint({ session: 's' })
  t.match(await get(app, '/own', token), { statusCode: 200 })
  t.match(await get(app, '/own', issuer.mintClient()), { statusCode: 403 })
  replica.apply([event(1, 's')])
  t.match(await get(app, '/own', token), { statusCode: 401 })
})

t.test(
  'request.jwtVerify() refuses what is no good token with 401, a challenge and a code of ours',
  async (t) => {
    const issuer = await startIssuer(t)
    const { app } = await build(t, issuer)
    app.get('/own', async (request) => {
      await request.jwtVerify()
      return request.user
    })
    const good = issuer.mint()
    const [head = '', body = '', signature = ''] = good.split('.')
    const none = Buffer.from('null').toString('base64url')
    const bad = [
      ...Object.values(forgeries(issuer)),
      `${good}x`,
      `${good}==`,
      `${good}!!!`,
      `${head}.${body}.AAAA`,
      `${head}.${body}.`,
      `${head}.${body}`,
      `${head}.${none}.${signature}`,
      `${none}.${body}.${signature}`,
      'a.b.c',
      '.'.repeat(100),
      'x'.repeat(9000),
    ]
    for (const token of bad) {
      const own = await get(app, '/own', token)
      t.match(own, { statusCode: 401 }, token.slice(0, 100))
      t.match(own.json(), { code: 'AUTH_TOKEN_INVALID' })
      t.match(own.headers['www-authenticate'], /error="invalid_token"/)
    }
    const without = await get(app, '/own')
    t.match(without.json(), { statusCode: 401, code: 'AUTH_TOKEN_MISSING' })
    t.equal(without.headers['www-authenticate'], 'Bearer realm="test"')
  },
)

t.test('a token that dies while the body is on its way opens nothing any more', async (t) => {
  const issuer = await startIssuer(t)
  const { app, replica } = await build(t, issuer)
  app.post('/write', { onRequest: app.authenticate }, async () => 'written')
  app.post('/own', { onRequest: async (request) => void (await request.jwtVerify()) }, async () => 'written')
  app.post('/open', async () => 'written')
  const { port, hostname } = new URL(await app.listen())

  /** The status of a request whose body comes when `meanwhile` is done. */
  const statusOf = async (
    path: string,
    token: string,
    framing: string,
    body: string,
    meanwhile: () => void,
  ) => {
    const socket = connect(Number(port), hostname)
    const head = [`POST ${path} HTTP/1.1`, 'Host: a', 'Connection: close', `Authorization: Bearer ${token}`]
    socket.write([...head, 'Content-Type: application/json', framing, '', ''].join('\r\n'))
    await sleep(50)
    meanwhile()
    socket.write(body)
    return Number((await text(socket)).split(' ')[1])
  }
  let seq = 0
  for (const [framing, body] of [
    ['Content-Length: 2', '{}'],
    ['Transfer-Encoding: chunked', '2\r\n{}\r\n0\r\n\r\n'],
  ] as const)
    for (const path of ['/write', '/own', '/open']) {
      const session = `s${seq}`
      const token = issuer.mint({ session })
      t.equal(await statusOf(path, token, framing, body, () => undefined), 200)
      const revoke = () => replica.apply([event(++seq, session)])
      t.equal(await statusOf(path, token, framing, body, revoke), path === '/open' ? 200 : 401)
    }
})

t.test('a bounded route without a bound in the options fails the start', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = freshVerifier(issuer)
  const app = fastify()
  await app.register(tokenVerifier, { verifier })
  t.throws(
    () => app.get('/', { config: { revocation: 'bounded' } }, async () => ''),
    /boundedStalenessSeconds/,
  )
})

t.test('the plugin takes the options of createVerifier, starts with the app and ends with it', async (t) => {
  const issuer = await startIssuer(t)
  const app = fastify()
  await app.register(tokenVerifier, issuer.verifierOptions)
  app.get('/', { onRequest: app.authenticate }, async (request) => request.user.username)
  await app.ready()
  await app.verifier.whenReady()
  const token = issuer.mint({ user: 'ada' })
  t.equal((await get(app, '/', token)).body, 'ada')
  await issuer.revoke(token)
  t.equal((await get(app, '/', token)).statusCode, 401)
  await app.close()
  t.notOk(app.verifier.ready)
  await t.resolves(issuer.revoke({ user: 'ada' }), 'nobody is waited for any more')
})
