import t from 'tap'
import { PROBLEMS } from '@portcullis/schemas'
import { problem } from '@portcullis/service-kit'
import { HEADERS } from '../../src/docs/headers.ts'
import { appWithRoutes } from '../support/app.ts'
import { asProblem, problemOf } from '../support/problem.ts'

const lines: string[] = []
const logger = { level: 'debug', stream: { write: (line: string) => lines.push(line) } }
const failures = [
  ['/connection', Object.assign(new Error('connect ECONNREFUSED 10.0.0.1'), { code: 'ECONNREFUSED' })],
  ['/lost', new Error('Connection terminated unexpectedly')],
  ['/deadlock', Object.assign(new Error('deadlock detected'), { code: '40P01', severity: 'ERROR' })],
  [
    '/input',
    Object.assign(new Error('invalid input syntax: "hunter2"'), { code: '22P02', severity: 'ERROR' }),
  ],
  [
    '/foreign',
    Object.assign(new Error('stale'), { code: 'AUTH_REVOCATIONS_STALE', headers: { 'Retry-After': 1 } }),
  ],
  ['/teapot', Object.assign(new Error('too odd'), { statusCode: 418 })],
  ['/bug', new TypeError('secrets are undefined')],
  ['/string', 'hunter2'],
] as const

const app = appWithRoutes({ logger, corsOrigins: ['https://app.example.com'] }, async (app) => {
  for (const [url, error] of failures)
    app.route({
      method: ['GET', 'POST'],
      url,
      handler: async () => {
        throw error
      },
    })
  app.get('/unauthenticated', async () => {
    throw problem('AUTH_TOKEN_MISSING')
  })
  app.get('/challenged', async () => {
    throw problem('AUTH_TOKEN_MISSING', { headers: { 'WWW-Authenticate': 'Own' } })
  })
  app.get('/failed-after-headers', async (_request, reply) => {
    reply.header('etag', '"1"').header('location', '/x')
    throw problem('NOT_FOUND')
  })
})
t.teardown(() => app.close())

t.test('a problem is answered with its code, detail and headers, and its cause stays inside', async (t) => {
  const response = await app.inject('/refused')
  t.match(asProblem(t, response), {
    code: 'AUTH_FORBIDDEN',
    detail: 'Not this time.',
    title: PROBLEMS.AUTH_FORBIDDEN.title,
  })
  t.equal(response.headers['x-why'], 'test')
  t.notMatch(response.body, /inner/)
})

t.test(
  'an error nobody foresaw says nothing of itself, and is logged with the id of the request',
  async (t) => {
    for (const url of ['/bug', '/string', '/input']) {
      lines.length = 0
      const body = await problemOf(t, app, { url })
      t.equal(body.code, 'INTERNAL')
      t.notMatch(JSON.stringify(body), /secrets|hunter2|stack/)
      t.match(
        lines.map((line): unknown => JSON.parse(line)),
        [
          { level: 50, request_id: body.instance },
          { msg: 'request', status: 500 },
        ],
      )
      t.notMatch(lines.join(''), /hunter2/)
    }
  },
)

t.test('a database that is away is 503 with Retry-After', async (t) => {
  const response = await app.inject('/connection')
  t.equal(asProblem(t, response).code, 'UNAVAILABLE')
  t.equal(response.headers['retry-after'], '1')
  t.notMatch(response.body, /10\.0\.0\.1/)
})

t.test(
  'a connection lost during a write leaves its outcome unknown, during a read it does not',
  async (t) => {
    t.equal((await problemOf(t, app, { url: '/lost' })).code, 'UNAVAILABLE')
    t.equal((await problemOf(t, app, { url: '/lost', method: 'POST' })).code, 'OUTCOME_UNKNOWN')
    t.equal((await problemOf(t, app, { url: '/connection', method: 'POST' })).code, 'UNAVAILABLE')
  },
)

t.test('who gives way to another transaction gets 409', async (t) => {
  t.equal((await problemOf(t, app, { url: '/deadlock' })).code, 'CONFLICT')
})

t.test('errors of other packages count by their code', async (t) => {
  const response = await app.inject('/foreign')
  t.equal(asProblem(t, response).code, 'AUTH_REVOCATIONS_STALE')
  t.equal(response.headers['retry-after'], '1')
  t.equal((await problemOf(t, app, { url: '/teapot' })).code, 'REQUEST_MALFORMED')
})

t.test('headers of a success do not stay on an error', async (t) => {
  const { headers } = await app.inject('/failed-after-headers')
  t.equal(headers.etag, undefined)
  t.equal(headers.location, undefined)
})

t.test('what the framework refuses is a problem document too', async (t) => {
  const json = { 'content-type': 'application/json' }
  const cases = [
    [{ method: 'POST', url: '/things', headers: json, payload: '{"name":' }, 'REQUEST_MALFORMED'],
    [
      { method: 'POST', url: '/things', headers: json, payload: Buffer.from([0x22, 0xff, 0x22]) },
      'REQUEST_MALFORMED',
    ],
    [
      { method: 'POST', url: '/things', headers: json, payload: `"${'x'.repeat(1024 * 1024)}"` },
      'REQUEST_TOO_LARGE',
    ],
    [
      { method: 'POST', url: '/things', headers: { 'content-type': 'text/plain' }, payload: 'x' },
      'MEDIA_TYPE_UNSUPPORTED',
    ],
    [
      { method: 'POST', url: '/things', headers: { 'content-type': 'nonsense' }, payload: 'x' },
      'MEDIA_TYPE_UNSUPPORTED',
    ],
    [{ url: '/things/%zz' }, 'REQUEST_MALFORMED'],
    [{ url: `/things/${'x'.repeat(300)}` }, 'REQUEST_MALFORMED'],
    [{ url: '/nothing' }, 'NOT_FOUND'],
  ] as const
  for (const [options, code] of cases)
    t.equal((await problemOf(t, app, options)).code, code, JSON.stringify(options).slice(0, 80))
})

t.test('what the router refuses has every header of other answers, and its line in the log', async (t) => {
  const headers = { origin: 'https://app.example.com' }
  const refused = ['/%zz', `/things/${'x'.repeat(300)}`]
  const kept = ['content-security-policy', 'strict-transport-security', 'x-content-type-options']
  const cross = ['access-control-allow-origin', 'access-control-expose-headers', 'vary']
  const other = await app.inject({ url: '/nothing', headers })
  for (const url of refused) {
    lines.length = 0
    const response = await app.inject({ url, headers })
    asProblem(t, response)
    for (const name of [...kept, ...cross]) t.equal(response.headers[name], other.headers[name], name)
    t.match(JSON.parse(lines.at(-1) ?? ''), {
      level: 30,
      msg: 'request',
      status: 400,
      req: { method: 'GET', path: /…/ },
      request_id: response.headers['x-request-id'],
    })
    const evil = await app.inject({ url, headers: { origin: 'https://evil.example.com' } })
    t.equal(evil.headers['access-control-allow-origin'], undefined)
  }
})

t.test('every 401 says how to authenticate', async (t) => {
  const challengeOf = async (url: string) => (await app.inject(url)).headers['www-authenticate']
  t.equal(await challengeOf('/unauthenticated'), 'Bearer realm="portcullis"')
  t.equal(await challengeOf('/challenged'), 'Own')
  t.equal(await challengeOf('/refused'), undefined)
})

t.test('a route under another method is 405 and says which there are', async (t) => {
  const response = await app.inject({ method: 'DELETE', url: '/things?limit=1' })
  t.equal(asProblem(t, response).code, 'METHOD_NOT_ALLOWED')
  t.equal(response.headers.allow, 'GET, HEAD, POST, OPTIONS')
})

t.test('a file of the docs that is not there is 404, though GET is what it is asked for by', async (t) => {
  for (const method of ['GET', 'HEAD'] as const)
    t.equal((await app.inject({ method, url: '/docs/static/nothing.js' })).statusCode, 404, method)
  t.equal((await app.inject({ method: 'POST', url: '/docs/static/nothing.js' })).statusCode, 405)
})

t.test('HEAD answers as GET without the body', async (t) => {
  const response = await app.inject({ method: 'HEAD', url: '/things?limit=1' })
  t.equal(response.statusCode, 200)
  t.equal(response.body, '')
})

t.test('OPTIONS lists the methods, and answers preflights of known origins', async (t) => {
  const plain = appWithRoutes()
  t.teardown(() => plain.close())
  const listed = await plain.inject({ method: 'OPTIONS', url: '/things' })
  t.equal(listed.statusCode, 204)
  t.equal(listed.headers.allow, 'GET, HEAD, POST, OPTIONS')
  t.equal((await problemOf(t, plain, { method: 'OPTIONS', url: '/nothing' })).code, 'NOT_FOUND')

  const preflight = (origin: string) =>
    app.inject({
      method: 'OPTIONS',
      url: '/things',
      headers: { origin, 'access-control-request-method': 'POST' },
    })
  t.equal(
    (await preflight('https://app.example.com')).headers['access-control-allow-origin'],
    'https://app.example.com',
  )
  t.equal((await preflight('https://evil.example.com')).headers['access-control-allow-origin'], undefined)
})

t.test('an OPTIONS that is no preflight is answered as where no page may call', async (t) => {
  const origin = 'https://app.example.com'
  for (const headers of [{}, { origin }, { 'access-control-request-method': 'POST' }]) {
    const listed = await app.inject({ method: 'OPTIONS', url: '/things', headers })
    t.equal(listed.statusCode, 204)
    t.equal(listed.headers.allow, 'GET, HEAD, POST, OPTIONS')
    t.equal(listed.headers['access-control-allow-methods'], undefined)
    t.equal(listed.headers['access-control-allow-origin'], 'origin' in headers ? origin : undefined)
    t.equal((await problemOf(t, app, { method: 'OPTIONS', url: '/nothing', headers })).code, 'NOT_FOUND')
  }
})

t.test('pages may read every header that tells them something', async (t) => {
  const { headers } = await app.inject({ url: '/things', headers: { origin: 'https://app.example.com' } })
  const exposed = String(headers['access-control-expose-headers']).split(', ')
  for (const name of ['Allow', 'Content-Disposition', 'Idempotency-Replayed', ...Object.keys(HEADERS)])
    t.ok(exposed.includes(name), name)
})

t.test('a trailing slash answers as without it', async (t) => {
  t.equal((await app.inject('/things/')).statusCode, 200)
})
