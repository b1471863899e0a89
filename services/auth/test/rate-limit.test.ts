import t from 'tap'
import type { App } from '@portcullis/service-kit'
import { callOf, startAuth, type Answer, type TestAuth } from './support/auth.ts'
import { newClient, type TestClient } from './support/client.ts'

const LIMIT = 100
const SETTINGS = { RATE_LIMIT_MAX: String(LIMIT), TRUST_PROXY: '127.0.0.1' }

/** Signs up and logs in from an address of its own, so that what follows is not counted with it. */
async function login(auth: TestAuth, address: string): Promise<string> {
  const headers = { 'x-forwarded-for': address }
  const body = { username: `user-${address}`, password: 'correct horse battery staple' }
  await auth.call('POST', '/api/v1/signup', { body, headers })
  const { body: pair } = await auth.call('POST', '/api/v1/login', { body, headers })
  return pair.access_token
}

const me = (app: App, token: string, headers = {}) =>
  callOf(app)('GET', '/api/v1/users/me', { token, headers })
const passed = (answers: readonly Answer[]) => answers.filter(({ status }) => status === 200).length

t.test('the limit of requests', async (t) => {
  const auth = await startAuth(t, SETTINGS)

  await t.test('request 101 of a minute is refused, and both headers tell so', async (t) => {
    const token = await login(auth, '192.0.2.1')
    const answers: Answer[] = []
    for (let i = 0; i < LIMIT; i++) answers.push(await me(auth.app, token))
    t.equal(passed(answers), LIMIT)
    t.equal(answers[0]?.headers['ratelimit-policy'], '"default";q=100;w=60')
    t.match(answers[0]?.headers['ratelimit'], /^"default";r=99;t=(60|59)$/)
    t.match(answers.at(-1)?.headers['ratelimit'], /^"default";r=0;t=\d+$/)

    const refused = await me(auth.app, token)
    t.equal(refused.status, 429)
    t.equal(refused.body.code, 'RATE_LIMITED')
    t.match(refused.headers['content-type'], 'application/problem+json')
    t.equal(refused.headers['ratelimit-policy'], '"default";q=100;w=60')
    t.match(refused.headers['ratelimit'], /^"default";r=0;t=\d+$/)
    t.match(refused.headers['retry-after'], /^([1-9]|[1-5]\d|60)$/)
  })

  await t.test('counts users by themselves, wherever they come from, and strangers by address', async (t) => {
    const [one, other] = [await login(auth, '192.0.2.2'), await login(auth, '192.0.2.3')]
    for (let i = 0; i < LIMIT; i++) await me(auth.app, one, { 'x-forwarded-for': `198.51.100.${i}` })
    t.equal((await me(auth.app, one)).status, 429)
    t.equal((await me(auth.app, other)).status, 200)
    const stranger = (address: string, token?: string) =>
      auth.call('GET', '/api/v1/users', { token, headers: { 'x-forwarded-for': address } })
    for (let i = 0; i < LIMIT; i++)
      // A token that does not verify makes nobody somebody else.
      t.equal((await stranger('203.0.113.1', i % 2 === 0 ? undefined : `a.b.${i}`)).status, 401)
    t.equal((await stranger('203.0.113.1')).status, 429)
    t.equal((await stranger('203.0.113.1', 'x.y.z')).status, 429)
    t.equal((await stranger('203.0.113.2')).status, 401)
  })

  await t.test('counts clients by themselves, also those of one address', async (t) => {
    const [one, other] = [await newClient(auth, 'users:changes'), await newClient(auth, 'users:changes')]
    const ask = async ({ token }: TestClient) =>
      (await auth.call('GET', '/api/v1/users', { token, headers: { 'x-forwarded-for': '192.0.2.5' } })).status
    for (let i = 0; i < LIMIT; i++) t.equal(await ask(one), 403, 'it is for users')
    t.equal(await ask(one), 429)
    t.equal(await ask(other), 403)
  })

  await t.test('a token that has been revoked counts for the address, and not for its user', async (t) => {
    const address = { 'x-forwarded-for': '192.0.2.4' }
    const dead = await login(auth, '192.0.2.4')
    t.equal((await auth.call('POST', '/api/v1/logout', { token: dead, headers: address })).status, 200)
    const thief = { 'x-forwarded-for': '203.0.113.5' }
    for (let i = 0; i < LIMIT; i++) t.equal((await me(auth.app, dead, thief)).status, 401)
    t.equal((await me(auth.app, dead, thief)).status, 429)
    const body = { username: 'user-192.0.2.4', password: 'correct horse battery staple' }
    const { body: pair } = await auth.call('POST', '/api/v1/login', { body, headers: address })
    t.equal((await me(auth.app, pair.access_token, address)).status, 200)
  })

  await t.test('what is not there is counted with what is', async (t) => {
    const headers = { 'x-forwarded-for': '203.0.113.4' }
    const ask = async (method: string, path: string) => (await auth.call(method, path, { headers })).status
    for (let i = 0; i < LIMIT / 2; i++) {
      t.equal(await ask('GET', '/api/v1/nothing'), 404)
      t.equal(await ask('PUT', '/api/v1/users'), 405)
    }
    t.equal(await ask('GET', '/api/v1/users'), 429)
    t.equal(await ask('GET', '/nothing'), 429)
    t.equal(await ask('OPTIONS', '/api/v1/users'), 429)
  })

  await t.test('what is asked all the time by machines is not counted', async (t) => {
    const client = await newClient(auth, 'users:changes revocations:read')
    const headers = { 'x-forwarded-for': '203.0.113.3' }
    for (const path of [
      '/.well-known/jwks.json',
      '/.well-known/oauth-authorization-server',
      '/health/live',
      '/health/ready',
      '/openapi.json',
      '/docs/',
      '/api/v1/users/changes',
    ]) {
      const { status, headers: found } = await auth.call('GET', path, { token: client.token, headers })
      t.equal(status, 200, path)
      t.notOk('ratelimit' in found, path)
    }
  })
})

t.test('two instances together let 100 requests of a minute pass, and at most a quarter more', async (t) => {
  const auth = await startAuth(t, SETTINGS)
  const other = await auth.another()
  const inTurn = await login(auth, '192.0.2.1')
  const answers: Answer[] = []
  for (let i = 0; i < 2 * LIMIT; i++) answers.push(await me(i % 2 === 0 ? auth.app : other, inTurn))
  t.ok(passed(answers) >= LIMIT && passed(answers) <= LIMIT * 1.25, `in turn ${passed(answers)}`)

  const atOnce = await login(auth, '192.0.2.2')
  const burst = await Promise.all(
    Array.from({ length: 3 * LIMIT }, (_, i) => me(i % 2 === 0 ? auth.app : other, atOnce)),
  )
  t.ok(passed(burst) >= LIMIT && passed(burst) <= LIMIT * 1.25, `at once ${passed(burst)}`)
  t.notOk(burst.some(({ status }) => status !== 200 && status !== 429))
  t.equal((await me(auth.app, atOnce)).status, 429)
  t.equal((await me(other, atOnce)).status, 429)
})

t.test('while Redis is away', async (t) => {
  const auth = await startAuth(t, SETTINGS)
  const other = await auth.another()
  const token = await login(auth, '192.0.2.1')
  for (let i = 0; i < 10; i++) await me(auth.app, token)

  const run = async (app: App, count: number) => {
    const answers: Answer[] = []
    let slowestMs = 0
    for (let i = 0; i < count; i++) {
      const startedAt = performance.now()
      answers.push(await me(app, token))
      slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    }
    return { answers, slowestMs }
  }

  const running = run(auth.app, 130)
  await auth.redis.kill()
  const before = await running
  const after = await run(other, 130)
  for (const { answers, slowestMs } of [before, after]) {
    t.ok(passed(answers) <= LIMIT, `${passed(answers)} passed`)
    t.ok(
      answers.some(({ status }) => status === 429),
      'none goes unlimited',
    )
    t.strictSame(
      [...new Set(answers.map(({ status }) => status))].sort((a, b) => a - b),
      [200, 429],
    )
    t.ok(slowestMs < 1000, `slowest answer ${slowestMs.toFixed()} ms`)
  }
})
