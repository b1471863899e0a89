import { createServer, METHODS, request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Teardown } from '@portcullis/test-kit'
import t from 'tap'
import { buildGateway } from '../dev/gateway.ts'

/** A socket is kept open for a minute; an answer takes no second. */
const PATIENCE_MS = 2000

interface Echo {
  readonly service: string
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface StandIn {
  readonly url: string
  ready: boolean
  requests: number
  close(): Promise<void>
}

/** A service that answers with what it was asked. */
async function startStandIn(t: Teardown, service: string): Promise<StandIn> {
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    standIn.requests += 1
    const body = await text(request).catch(() => undefined)
    if (body === undefined) return
    const isWell = url === '/health/ready' ? standIn.ready : url !== '/api/v1/broken'
    const status = isWell ? 200 : 503
    response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '1' })
    const paths = { '/health/live': {}, [`/api/v1/${service}`]: {} }
    const document = { openapi: '3.1.0', info: { title: service, version: '1' }, paths }
    response.end(JSON.stringify(url === '/openapi.json' ? document : { service, method, url, headers, body }))
  })
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const standIn: StandIn = { url: '', ready: true, requests: 0, close }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(close)
  const { port } = server.address() as AddressInfo
  return Object.assign(standIn, { url: `http://127.0.0.1:${port}` })
}

async function startGateway(t: Teardown) {
  const [auth, content] = await Promise.all([startStandIn(t, 'auth'), startStandIn(t, 'content')])
  const gateway = await buildGateway({
    auth: auth.url,
    content: content.url,
  })
  t.teardown(() => gateway.close())
  const url = await gateway.listen({ host: '127.0.0.1', port: 0 })
  const echo = async (path: string, init?: RequestInit): Promise<Echo> => {
    const response = await fetch(`${url}${path}`, init)
    return (await response.json()) as Echo
  }
  return { auth, content, url, echo }
}

t.test('every path goes to the service that has it, unchanged', async (t) => {
  const { echo } = await startGateway(t)
  const paths = {
    '/api/v1/posts': 'content',
    '/api/v1/posts/1?a=1&a=2%20': 'content',
    '/api/v1/tasks/1/': 'content',
    '/api/v1/signup': 'auth',
    '/api/v1/postscript': 'auth',
    '/.well-known/jwks.json': 'auth',
    '/oauth/token': 'auth',
    '/problems/NOT_FOUND': 'auth',
    '/nowhere': 'auth',
  }
  for (const [path, service] of Object.entries(paths)) t.match(await echo(path), { service, url: path }, path)
})

t.test('a trailing slash changes nothing of what both services answer together', async (t) => {
  const { content, url } = await startGateway(t)
  content.ready = false
  t.equal((await fetch(`${url}/health/ready/`)).status, 503, 'not the answer of auth alone')
  const documents = await Promise.all(
    ['/openapi.json', '/openapi.json/'].map(async (path) => (await fetch(`${url}${path}`)).text()),
  )
  t.equal(documents[1], documents[0])
})

t.test('a target with scheme and host is read as its path', async (t) => {
  const { url } = await startGateway(t)
  const ask = (target: string) => exchange(url, `GET ${target} HTTP/1.1`, 'Host: a', 'Connection: close')
  t.match(
    await ask('http://a/api/v1/posts?a=1'),
    '"service":"content","method":"GET","url":"/api/v1/posts?a=1"',
  )
  t.match(await ask('HTTPS://a?a=1'), /^location: \/docs\r$/im)
  t.match(await ask('http://a'), /^location: \/docs\r$/im)
})

t.test('bodies of every kind arrive as they were sent', async (t) => {
  const { echo } = await startGateway(t)
  const json = { 'content-type': 'application/json' }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  t.match(await echo('/api/v1/posts', { method: 'POST', headers: json, body: '{"a":  1}' }), {
    body: '{"a":  1}',
  })
  t.match(await echo('/oauth/token', { method: 'POST', headers: form, body: 'a=b&c' }), { body: 'a=b&c' })
  t.match(await echo('/api/v1/logout', { method: 'POST', headers: json }), { body: '', method: 'POST' })
  t.match(await echo('/api/v1/users/me', { method: 'DELETE', headers: json }), { body: '', method: 'DELETE' })
})

t.test('no caller can pass for another one by headers that only a gateway may set', async (t) => {
  const { echo } = await startGateway(t)
  const forged = {
    'X-User-Id': '1',
    'x-user-roles': 'admin',
    X_User_Name: 'root',
    'X-Session-Id': '1',
    X_Session_Id: '1',
    Forwarded: 'for=10.0.0.1',
    'X-Real-IP': '10.0.0.1',
    'X-Forwarded-For': '10.0.0.1',
  }
  const { headers } = await echo('/api/v1/verify', {
    headers: { ...forged, 'X-Other': 'kept', Authorization: 'Bearer t' },
  })
  const names = Object.keys(headers).filter((name) => /x[-_]user|session|forwarded$|real/.test(name))
  t.strictSame(names, [])
  t.match(headers, {
    'x-forwarded-for': /^(::ffff:)?127\.0\.0\.1$/,
    'x-other': 'kept',
    authorization: 'Bearer t',
  })
})

t.test('what is between the client and the origin alone is not passed on, and hinders nothing', async (t) => {
  const { url } = await startGateway(t)
  const headers = { 'keep-alive': 'timeout=5', connection: 'keep-alive, x-other' }
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    request(`${url}/api/v1/users/me`, { headers }, resolve).on('error', reject).end(),
  )
  t.equal(response.statusCode, 200)
  const echo: Echo = JSON.parse(await text(response))
  t.equal(echo.headers['keep-alive'], undefined)
})

/** All that comes back on a connection of its own until the other end closes it; rejects if it does not. */
async function exchange(url: string, ...lines: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('the connection was kept open')))
  socket.write([...lines, '', ''].join('\r\n'))
  return text(socket)
}

t.test('a connection ends with the answer for a client that asks for that, or speaks HTTP/1.0', async (t) => {
  const { url } = await startGateway(t)
  const closing = ['HTTP/1.1\r\nHost: localhost\r\nConnection: close', 'HTTP/1.0']
  for (const path of ['/api/v1/posts', '/api/v1/users/me', '/health/live']) {
    for (const way of closing) {
      const answer = await exchange(url, `GET ${path} ${way}`)
      t.match(answer, /^HTTP\/1.1 200 /, `${path} ${way}`)
      t.match(answer, /^connection: close\r$/im)
    }
  }
})

t.test('a service answers for itself to every method, those that it does not have too', async (t) => {
  const { url } = await startGateway(t)
  // HEAD has no answer to look at, and CONNECT is for proxies of another kind.
  for (const method of METHODS.filter((method) => method !== 'HEAD' && method !== 'CONNECT')) {
    for (const [path, service] of [
      ['/api/v1/posts', 'content'],
      ['/api/v1/users/me', 'auth'],
    ]) {
      const lines = ['Host: localhost', 'Connection: close', 'Content-Type: text/xml', 'Content-Length: 0']
      const answer = await exchange(url, `${method} ${path} HTTP/1.1`, ...lines)
      t.match(answer, `"service":"${service}","method":"${method}","url":"${path}"`)
    }
  }
  const lines = ['Host: localhost', 'Connection: close', 'Content-Type: text/xml', 'Content-Length: 4']
  t.match(
    await exchange(url, 'QUERY /api/v1/posts HTTP/1.1', 'Host: a', 'Connection: close'),
    /"method":"QUERY"/,
  )
  t.match(await exchange(url, 'PROPFIND /api/v1/posts HTTP/1.1', ...lines, '', '<a/>'), /"method":"PROPFIND"/)
})

t.test('a content type arrives as it was sent, and one that is none, too', async (t) => {
  const { url } = await startGateway(t)
  const types = ['text/xml', 'Application/JSON;  charset="UTF-8"', 'garbage', 'garbage; a=b', '/json', '']
  for (const path of ['/api/v1/posts', '/oauth/token'])
    for (const type of types)
      for (const [length, body] of [
        ['Content-Length: 2', '{}'],
        ['Content-Length: 0', ''],
        ['Transfer-Encoding: chunked', '2\r\n{}\r\n0\r\n\r\n'],
      ] as const) {
        const lines = ['Host: a', 'Connection: close', `Content-Type: ${type}`, length, '']
        const answer = await exchange(url, `POST ${path} HTTP/1.1`, ...lines, body)
        const echo: Echo = JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1))
        t.equal(echo.headers['content-type'], type, `${path} ${type} ${length}`)
        t.equal(echo.body, body && '{}')
      }
})

t.test(
  'what the origin refuses itself is a problem document that no cache keeps, as of a service',
  async (t) => {
    const { url } = await startGateway(t)
    const refused: Record<string, readonly [code: string, ...lines: string[]]> = {
      'no Host': ['REQUEST_MALFORMED', 'Content-Length: 0'],
      'too large': ['REQUEST_TOO_LARGE', 'Host: a', 'Content-Length: 2000000'],
    }
    for (const [title, [code, ...lines]] of Object.entries(refused)) {
      const answer = await exchange(url, 'POST /api/v1/posts HTTP/1.1', 'Connection: close', ...lines)
      t.match(answer, `"code":"${code}"`, title)
      t.match(answer, /^content-type: application\/problem\+json/im, title)
      t.match(answer, /^cache-control: no-store\r$/im, title)
    }
    t.match(
      await exchange(url, 'GET /api/v1/posts HTTP/1.1', 'Connection: close'),
      '"detail":"There is no header Host."',
    )
  },
)

t.test('an expectation that nobody knows is passed over', async (t) => {
  const { url } = await startGateway(t)
  const answer = await exchange(
    url,
    'GET /api/v1/posts HTTP/1.1',
    'Host: a',
    'Connection: close',
    'Expect: x',
  )
  t.match(answer, /^HTTP\/1.1 200 [^]*"service":"content"/)
})

t.test('a body that is too large is refused, whether its length is told or not', async (t) => {
  const { url } = await startGateway(t)
  const send = async (bytes: number, isChunked: boolean) => {
    const text = 'x'.repeat(bytes)
    const body = isChunked ? new Blob([text]).stream() : text
    const response = await fetch(`${url}/api/v1/login`, { method: 'POST', body, duplex: 'half' })
    await response.body?.cancel()
    return response.status
  }
  for (const isChunked of [false, true]) {
    t.equal(await send(1024 * 1024, isChunked), 200)
    for (const bytes of [1024 * 1024 + 1, 3_000_000, 8_000_000])
      t.equal(await send(bytes, isChunked), 413, `${bytes} ${isChunked}`)
  }
})

t.test('what is not HTTP is answered with a problem document', async (t) => {
  const { url } = await startGateway(t)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.end('HELLO\r\n\r\n')
  t.match(await text(socket), /^HTTP\/1.1 400 [^]*application\/problem\+json[^]*"code":"REQUEST_MALFORMED"/)
})

t.test('an answer of 503 is passed on at once and asked for once', async (t) => {
  const { auth, url } = await startGateway(t)
  auth.requests = 0
  const response = await fetch(`${url}/api/v1/broken`)
  t.equal(response.status, 503)
  t.equal(auth.requests, 1)
})

t.test('a service that is away is a 503 problem with Retry-After, and the origin is not ready', async (t) => {
  const { auth, content, url } = await startGateway(t)
  t.equal((await fetch(`${url}/health/ready`)).status, 200)
  content.ready = false
  t.equal((await fetch(`${url}/health/ready`)).status, 503)
  content.ready = true
  await auth.close()
  t.equal((await fetch(`${url}/health/ready`)).status, 503)
  const response = await fetch(`${url}/api/v1/users/me`)
  t.equal(response.status, 503)
  t.equal(response.headers.get('retry-after'), '1')
  t.match(response.headers.get('content-type'), 'application/problem+json')
  t.match(await response.json(), { code: 'UNAVAILABLE', status: 503 })
})

t.test('a path that is no path is the caller’s fault', async (t) => {
  const { url } = await startGateway(t)
  for (const path of ['/api/v1/posts/%', '/%c0', '/api/v1/posts/%2e%2e%2fusers']) {
    const response = await fetch(`${url}${path}`)
    t.equal(response.status, 400, path)
    t.match(await response.json(), { code: 'REQUEST_MALFORMED' }, path)
  }
})

t.test('/docs and /openapi.json show the routes of both services', async (t) => {
  const { url } = await startGateway(t)
  const document: unknown = await (await fetch(`${url}/openapi.json`)).json()
  t.match(document, {
    servers: [{ url: '/' }],
    paths: { '/health/live': {}, '/api/v1/auth': {}, '/api/v1/content': {} },
  })
  const page = await fetch(`${url}/docs`)
  t.notMatch(
    page.headers.get('content-security-policy'),
    'upgrade-insecure-requests',
    'a host without TLS can be tried, too',
  )
  t.equal(page.status, 200)
  t.match(page.headers.get('content-type'), 'text/html')
})
