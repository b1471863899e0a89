import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import type { App } from '@portcullis/service-kit'
import { ORIGIN, portOf, start, TAG, type Answer } from '../support/stored-answers.ts'
import { until } from '../support/until.ts'

/** But for what each answer has of its own. */
function common({ status, headers, body }: Answer) {
  const { 'x-request-id': _id, date: _date, ratelimit, ...others } = headers
  // The id of a problem is in its body too.
  const isProblem = others['content-type']?.startsWith('application/problem+json') === true
  return {
    status,
    headers: others,
    ratelimit: typeof ratelimit === 'string' ? ratelimit.replace(/t=\d+/, '') : undefined,
    body: isProblem ? body.replaceAll(/"instance":"[^"]*"/g, '') : body,
  }
}

async function countsOf({ metrics }: App): Promise<string[]> {
  const exposed = await metrics.metrics()
  return exposed.split('\n').filter((line) => line.startsWith('http_request_duration_seconds_count'))
}

const oneIn = (times: number, ...values: readonly string[]) =>
  fc.oneof(
    { weight: times - 1, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...values) },
  )
const some = (...values: readonly string[]) => oneIn(3, ...values)
const rarely = (...values: readonly string[]) => oneIn(20, ...values)
const asks = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'OPTIONS', 'POST'),
  path: fc.constantFrom(
    '/kept/1',
    '/kept/1',
    '/kept/2',
    '/kept/1/',
    '/kept/1?',
    '/kept/1?a=b',
    '/kept',
    '/%',
  ),
  headers: fc.record({
    origin: some(ORIGIN, 'https://foreign.example.com', ''),
    'if-none-match': some(`"${TAG}"`, `W/"${TAG}"`, '"other"', '*', 'no tag', ''),
    'if-match': some(`"${TAG}"`, '"other"', '*', 'undefined'),
    host: fc.constantFrom(
      'localhost',
      'localhost',
      'localhost',
      'localhost',
      'api.example.com:8080',
      'no host',
    ),
    authorization: some('Bearer ada', 'Bearer bad'),
    connection: rarely('close'),
    'x-forwarded-for': some('192.0.2.1', '192.0.2.1, 198.51.100.2', 'no "address"'),
    'x-request-id': some('mine'),
    'accept-version': rarely('1.0.0'),
    'access-control-request-method': rarely('GET'),
    'content-encoding': some('gzip'),
    'content-length': oneIn(5, '0', '5'),
    'content-type': rarely('nonsense'),
    expect: rarely('nonsense'),
  }),
})

t.test('every request is answered, logged, limited and counted as by the route itself', async (t) => {
  for (const trustProxy of [false, true, '127.0.0.1']) {
    const stored = await start(t, { trustProxy })
    const ordinary = await start(t, { trustProxy, isTraced: true })
    await fc.assert(
      fc.asyncProperty(asks, async ({ method, path, headers }) => {
        const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
        for (let time = 0; time < 2; time++) {
          const ask = { method, path, headers: given }
          t.strictSame(common(await stored.ask(ask)), common(await ordinary.ask(ask)), JSON.stringify(ask))
        }
      }),
      { numRuns: 300, seed: 8 },
    )
    const told = ({ linesOf }: typeof stored) =>
      linesOf().map((line) => ({ ...Object(line), time: 0, ms: 0, request_id: '' }))
    await until(() => stored.lines.length === ordinary.lines.length)
    t.strictSame(told(stored), told(ordinary))
    t.strictSame(await countsOf(stored.app), await countsOf(ordinary.app))
    t.ok(stored.state.asked < ordinary.state.asked, `${stored.state.asked} of ${ordinary.state.asked}`)
  }
})

t.test(
  'a request like one before is not brought to the route as long as the answer is current',
  async (t) => {
    const { ask, state, linesOf } = await start(t)
    const first = await ask()
    const second = await ask()
    t.equal(state.asked, 1)
    t.equal(second.body, first.body)
    t.equal(second.headers.etag, `"${TAG}"`)
    t.not(second.headers['x-request-id'], first.headers['x-request-id'])
    t.match(linesOf().at(-1), { request_id: second.headers['x-request-id'], msg: 'request', status: 200 })

    t.equal((await ask({ headers: { 'if-none-match': `"${TAG}"` } })).status, 304)
    t.equal((await ask({ headers: { 'if-none-match': `"${TAG}"` } })).status, 304)
    t.equal(state.asked, 2)

    state.isCurrent = false
    await ask()
    await ask()
    t.equal(state.asked, 4)
  },
)

t.test('a caller is refused at the limit, by its token or its address, whatever is stored', async (t) => {
  const { ask, state } = await start(t, { max: 10 })
  for (const headers of [{}, { authorization: 'Bearer ada' }]) {
    for (let n = 9; n >= 0; n--) {
      const { status, headers: answered } = await ask({ headers })
      t.equal(status, 200)
      t.match(answered.ratelimit, `r=${n};`)
    }
    t.equal((await ask({ headers })).status, 429)
  }
  t.ok(state.asked < 20)
})

t.test('without a limit no header tells of one', async (t) => {
  const { ask, state } = await start(t, { max: 0 })
  await ask()
  const { headers } = await ask()
  t.equal(state.asked, 1)
  t.equal(headers.ratelimit ?? headers['ratelimit-policy'], undefined)
})

t.test('while the service stops or has too much to do, its hooks decide about each request', async (t) => {
  const { app, ask, state } = await start(t)
  await ask()
  const pressure = t.intercept(app, 'isUnderPressure', { value: () => true })
  await ask()
  t.equal(state.asked, 2)
  pressure.restore()
  await ask()
  t.equal(state.asked, 2)
  app.health.drain()
  await ask()
  t.equal(state.asked, 3)
})

t.test('on a connection that is open while the service closes, the answer says that it ends', async (t) => {
  const closed = Promise.withResolvers<void>()
  const { app, ask, state } = await start(t, { closed: closed.promise })
  await ask()
  t.equal((await ask()).headers.connection, 'keep-alive')
  const socket = connect(portOf(app), '127.0.0.1')
  socket.write('GET /kept/1 HTTP/1.1\r\nHost: one\r\n')
  await until(async () => (await promisify(app.server.getConnections.bind(app.server))()) === 2)
  const closing = app.close()
  await until(() => state.isClosing)
  socket.write('\r\n')
  t.match(await text(socket), /\r\nconnection: close\r\n/i)
  closed.resolve()
  await closing
})

t.test('a request with two hosts is refused also where its answer is stored', async (t) => {
  const { app, ask } = await start(t)
  await ask({ headers: { host: 'one' } })
  const socket = connect(portOf(app), '127.0.0.1')
  socket.end('GET /kept/1 HTTP/1.1\r\nHost: one\r\nHost: two\r\nConnection: close\r\n\r\n')
  t.match(await text(socket), /^HTTP\/1\.1 400 /)
})

t.test('requests sent at once on one connection are answered in their order', async (t) => {
  const { app, ask, state } = await start(t)
  await ask()
  const socket = connect(portOf(app), '127.0.0.1')
  const line = (path: string) => `GET ${path} HTTP/1.1\r\nHost: one\r\n`
  socket.write(`${line('/kept/2')}\r\n${line('/kept/1')}\r\n${line('/none')}\r\n${line('/kept/1')}`)
  socket.write('Connection: close\r\n\r\n')
  const statuses = (await text(socket)).match(/HTTP\/1\.1 \d{3}/g)
  t.strictSame(statuses, ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200'])
  t.equal(state.asked, 2)
})

t.test('an answer is logged when it has been sent, and not at all if its reader is gone', async (t) => {
  const { app, ask, state, lines } = await start(t, { body: 'x'.repeat(7 * 1024 * 1024) })
  await ask()
  await until(() => lines.length === 1)
  for (const isRead of [true, false]) {
    const before = lines.length
    const socket = connect(portOf(app), '127.0.0.1')
    socket.write('GET /kept/1 HTTP/1.1\r\nHost: one\r\nConnection: close\r\n\r\n')
    await once(socket, 'readable')
    for (let n = 0; n < 20; n++) await turn()
    t.equal(lines.length, before)
    if (isRead) {
      await text(socket)
      await until(() => lines.length === before + 1)
    } else {
      socket.destroy()
      await sleep(100)
      t.equal(lines.length, before)
    }
  }
  t.equal(state.asked, 1)
  t.equal((await ask()).status, 200)
})
