import { connect } from 'node:net'
import { Readable } from 'node:stream'
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

t.test('an empty body with a JSON content type is fine where none is needed', async (t) => {
  const headers = { 'content-type': 'application/json' }
  t.strictSame((await app.inject({ method: 'POST', url: '/bodiless', headers })).json(), { body: null })
  t.strictSame((await app.inject({ method: 'POST', url: '/bodiless' })).json(), { body: null })
})

t.test('the fields of a body that nobody looks at are refused and named', async (t) => {
  const headers = { 'content-type': 'application/json' }
  const send = (payload: string) => ({ method: 'POST' as const, url: '/bodiless', headers, payload })
  for (const payload of ['{}', 'null', ''])
    t.equal((await app.inject(send(payload))).statusCode, 200, payload)
  t.match(await problemOf(t, app, send('{"all": true, "a/b": null}')), {
    code: 'REQUEST_INVALID',
    errors: [
      { pointer: '/all', code: 'unknown' },
      { pointer: '/a~1b', code: 'unknown' },
    ],
  })
  for (const payload of ['[]', '[{"all": true}]', '"all"', '1', 'false'])
    t.match(await problemOf(t, app, send(payload)), {
      code: 'REQUEST_INVALID',
      errors: [{ pointer: '', code: 'type' }],
    })
  t.equal((await problemOf(t, app, { ...send('{"all": true}'), url: '/nothing' })).code, 'NOT_FOUND')
})

t.test('an empty body is none, whatever its type and however it is sent', async (t) => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const chunked = { 'transfer-encoding': 'chunked' }
  for (const headers of [{ ...form, 'content-length': '0' }, chunked, { ...form, ...chunked }]) {
    const ask = (url: string) => ({ method: 'POST' as const, url, headers, payload: Readable.from([]) })
    t.strictSame((await app.inject(ask('/bodiless'))).json(), { body: null })
    t.strictSame((await app.inject(ask('/optional'))).json(), { body: null })
    t.equal((await problemOf(t, app, ask('/things'))).code, 'MEDIA_TYPE_UNSUPPORTED')
    t.equal((await problemOf(t, app, ask('/nothing'))).code, 'NOT_FOUND')
  }
  for (const headers of [chunked, { ...form, ...chunked }]) {
    const ask = { method: 'POST' as const, url: '/bodiless', headers, payload: Readable.from(['', 'a', 'b']) }
    t.equal((await problemOf(t, app, ask)).code, 'MEDIA_TYPE_UNSUPPORTED')
  }
})

t.test('what is not HTTP, or has too many headers, gets a problem document', async (t) => {
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = new URL(app.listeningOrigin)
  const exchange = (bytes: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes))
      let answer = ''
      socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
      socket.on('error', reject)
      socket.on('close', () => resolve(answer))
    })
  lines.length = 0
  const malformed = await exchange('HELLO\r\n\r\n')
  t.match(malformed, /^HTTP\/1.1 400 [^]*"code":"REQUEST_MALFORMED"/)
  t.match(malformed, /\r\ncache-control: no-store\r\n/)
  t.match(malformed, /\r\nx-content-type-options: nosniff\r\n/)
  const id = /\r\nx-request-id: (\S+)\r\n/.exec(malformed)?.[1]
  t.match(malformed, `"instance":"${id}"`)
  t.equal(lines.length, 1)
  t.match(JSON.parse(lines[0] ?? ''), {
    level: 30,
    request_id: id,
    code: 'REQUEST_MALFORMED',
    status: 400,
    remote: '127.0.0.1',
  })
  t.match(
    await exchange('GET /things HTTP/1.1\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1.1 400 [^]*"code":"REQUEST_MALFORMED"[^]*Host/,
  )
  t.match(JSON.parse(lines.at(-1) ?? ''), { msg: 'request', status: 400 })
  t.match(await exchange('GET /things HTTP/1.0\r\n\r\n'), /^HTTP\/1.1 200 /)
  t.match(
    await exchange('GET /things HTTP/1.1\r\nHost: x\r\nExpect: nothing\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1.1 200 /,
    'what is expected and not known is passed over',
  )
  t.match(
    await exchange(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
    /^HTTP\/1.1 431 [^]*"code":"HEADERS_TOO_LARGE"/,
  )
  t.match(await app.metrics.metrics(), /problems_total\{code="HEADERS_TOO_LARGE"[^}]*\} 1\n/)
})
