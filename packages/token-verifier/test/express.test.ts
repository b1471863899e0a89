import express from 'express'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { startIssuer, type Teardown, type TestIssuer } from '@portcullis/test-kit'
import { instant } from '@portcullis/token-verifier'
import { clientOf, createGuard, refusals, userOf, type Guard } from '@portcullis/token-verifier/express'
import { event } from './support/events.ts'
import { forgeries } from './support/forge.ts'
import { freshVerifier } from './support/fresh.ts'

async function serve(t: Teardown, listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  return async (path: string, token?: string, more: Record<string, string> = {}) => {
    const headers = { ...more, ...(token !== undefined && { authorization: `Bearer ${token}` }) }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    const body = isJson ? JSON.parse(text) : text
    return { status: response.status, headers: Object.fromEntries(response.headers), body }
  }
}

async function build(t: Teardown, issuer: TestIssuer) {
  const { verifier, replica } = freshVerifier(issuer, { boundedStalenessSeconds: 30 })
  const guard = createGuard({ verifier, realm: 'test' })
  const app = express()
  const user = (request: express.Request, response: express.Response) => void response.json(userOf(request))
  app.get('/user', guard.authenticate, user)
  app.get('/property', guard.authenticate, (request, response) => {
    response.json(Reflect.get(request, 'user'))
  })
  app.get('/client', guard.authenticateClient, (request, response) => void response.json(clientOf(request)))
  app.get('/admin', guard.requireRole('admin', 'moderator'), user)
  app.get('/scope', guard.requireScope('a', 'b'), (_request, response) => void response.json({}))
  app.get('/bounded', guard.bounded.authenticate, user)
  app.get('/open', user)
  app.get('/user-of-client', guard.authenticateClient, user)
  app.get('/client-of-user', guard.authenticate, (request, response) => void response.json(clientOf(request)))
  app.get('/broken', guard.authenticate, () => {
    throw new Error('a fault of the application')
  })
  app.use(refusals)
  const faults: express.ErrorRequestHandler = (_error, _request, response, _next) => {
    response.status(500).json({})
  }
  app.use(faults)
  return { get: await serve(t, app), verifier, replica }
}

/** A server without Express. */
function bare(guard: Guard): RequestListener {
  return (request, response) => {
    guard.authenticate(request, response, (error) => {
      if (error) refusals(error, request, response, () => response.destroy())
      else response.end(userOf(request).username)
    })
  }
}

t.test('users come in with a user token, clients with a client token', async (t) => {
  const issuer = await startIssuer(t)
  const { get } = await build(t, issuer)
  for (const path of ['/user', '/property'])
    t.match((await get(path, issuer.mint({ user: 'ada' }))).body, { username: 'ada' })
  t.match((await get('/client', issuer.mintClient({ clientId: 'c' }))).body, { client_id: 'c' })
  t.match(await get('/user', issuer.mintClient()), { status: 403, body: { code: 'AUTH_CLIENT_TOKEN' } })
  const { headers, ...swapped } = await get('/client', issuer.mint())
  t.match(swapped, { status: 403, body: { code: 'AUTH_SCOPE_INSUFFICIENT' } })
  t.equal(headers['www-authenticate'], 'Bearer realm="test", error="insufficient_scope"')
})

t.test('a role opens what is for one of several roles, a scope what is for all of several', async (t) => {
  const issuer = await startIssuer(t)
  const { get } = await build(t, issuer)
  t.match(await get('/admin', issuer.mint({ roles: ['user', 'moderator'] })), { status: 200 })
  t.match(await get('/admin', issuer.mint()), { status: 403, body: { code: 'AUTH_FORBIDDEN' } })
  t.match(await get('/scope', issuer.mintClient({ scope: 'b c a' })), { status: 200 })
  const { status, headers } = await get('/scope', issuer.mintClient({ scope: 'a' }))
  t.equal(status, 403)
  t.equal(headers['www-authenticate'], 'Bearer realm="test", error="insufficient_scope", scope="a b"')
})

t.test('without a token the challenge is bare, and every bad token is refused alike', async (t) => {
  const issuer = await startIssuer(t)
  const { get } = await build(t, issuer)
  const none = await get('/user')
  t.match(none, { status: 401, body: { code: 'AUTH_TOKEN_MISSING' } })
  t.equal(none.headers['www-authenticate'], 'Bearer realm="test"')
  for (const [what, token] of Object.entries(forgeries(issuer))) {
    // What a header cannot hold does not arrive.
    if (!/^[\x21-\x7e]+$/.test(token)) continue
    const { status, headers, body } = await get('/user', token)
    t.equal(status, 401, what)
    t.equal(headers['content-type'], 'application/problem+json; charset=utf-8')
    t.equal(headers['cache-control'], 'no-store')
    t.equal(headers['www-authenticate'], 'Bearer realm="test", error="invalid_token"')
    t.strictSame(body, { title: 'The access token is not valid', status: 401, code: 'AUTH_TOKEN_INVALID' })
  }
})

t.test('a revoked token is refused from the next request on', async (t) => {
  const issuer = await startIssuer(t)
  const { get, replica } = await build(t, issuer)
  const token = issuer.mint({ session: 's' })
  t.match(await get('/user', token), { status: 200 })
  replica.apply([event(1, 's')])
  t.match(await get('/user', token), { status: 401 })
})

t.test('when the log is silent strict routes answer 503, bounded ones go on for a while', async (t) => {
  const issuer = await startIssuer(t)
  const { get, replica } = await build(t, issuer)
  const token = issuer.mint()
  issuer.clock.advance(3000)
  const { status, headers, body } = await get('/user', token)
  t.equal(status, 503)
  t.equal(headers['retry-after'], '1')
  t.equal(body.code, 'AUTH_REVOCATIONS_STALE')
  t.match(await get('/bounded', token), { status: 200 })
  issuer.clock.advance(30_000)
  t.match(await get('/bounded', token), { status: 503 })
  replica.advance({ epoch: 1, seq: 0, base: 0 }, instant(issuer.clock))
  t.match(await get('/user', token), { status: 200 })
})

t.test(
  'a position that is not reached is 503, and what is no position 400, but for a bad token',
  async (t) => {
    const issuer = await startIssuer(t)
    const { get } = await build(t, issuer)
    const answer = await get('/user', issuer.mint(), { 'if-revocation-position': '1-5' })
    t.match(answer, { status: 503, body: { code: 'AUTH_REVOCATIONS_STALE' } })
    const malformed = { 'if-revocation-position': 'x' }
    t.match(await get('/user', issuer.mint(), malformed), {
      status: 400,
      body: { code: 'REQUEST_INVALID', errors: [{ parameter: 'if-revocation-position', code: 'format' }] },
    })
    t.match(await get('/user', 'bad', malformed), { status: 401 })
  },
)

t.test('faults of the application are not answered as refusals', async (t) => {
  const issuer = await startIssuer(t)
  const { get } = await build(t, issuer)
  t.match(await get('/broken', issuer.mint()), { status: 500 })
  t.match(await get('/open'), { status: 500 }, 'a route without a guard has no user')
  t.match(await get('/user-of-client', issuer.mintClient()), { status: 500 }, 'nor has one for clients')
  t.match(await get('/client-of-user', issuer.mint()), { status: 500 }, 'and one for users has no client')
})

t.test('Express answers refusals rightly without an error handler', async (t) => {
  const issuer = await startIssuer(t)
  const guard = createGuard({ verifier: freshVerifier(issuer).verifier })
  const app = express().set('env', 'production')
  app.use(guard.authenticate)
  const { status, headers } = await (await serve(t, app))('/', 'bad')
  t.equal(status, 401)
  t.equal(headers['www-authenticate'], 'Bearer realm="portcullis", error="invalid_token"')
})

t.test('the guard works where there is no Express', async (t) => {
  const issuer = await startIssuer(t)
  const get = await serve(t, bare(createGuard({ verifier: freshVerifier(issuer).verifier })))
  t.match(await get('/', issuer.mint({ user: 'ada' })), { status: 200, body: 'ada' })
  t.match(await get('/', 'bad'), { status: 401, body: { code: 'AUTH_TOKEN_INVALID' } })
})

t.test('a guard of its own follows the log, and leaves it when it is closed', async (t) => {
  const issuer = await startIssuer(t)
  const guard = createGuard(issuer.verifierOptions)
  await guard.verifier.whenReady(AbortSignal.timeout(5000))
  const get = await serve(t, bare(guard))
  const token = issuer.mint()
  t.match(await get('/', token), { status: 200 })
  await issuer.revoke(token)
  t.match(await get('/', token), { status: 401 })
  await guard.close()
  await issuer.revoke(issuer.mint())
})

t.test('without a bound there are no bounded routes', async (t) => {
  const issuer = await startIssuer(t)
  const guard = createGuard({ verifier: freshVerifier(issuer).verifier })
  t.throws(() => guard.bounded, TypeError)
})
