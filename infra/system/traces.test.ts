import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { root } from '../dev/places.ts'
import { startReceiver, type ReceivedSpan } from '../test/support/otlp.ts'
import { startPair, stop } from '../test/support/pair.ts'

const receiver = await startReceiver(t)
const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint }
const pair = await startPair(t, { auth: traced, content: traced })

const secret = () => randomBytes(12).toString('hex')
const [username, password, mail] = [`user-${secret()}`, secret(), secret()]
const email = `${mail}@example.org`

interface Call {
  readonly token?: string
  readonly body?: object
  readonly traceId?: string
}

async function call(method: string, path: string, { token, body, traceId }: Call = {}) {
  const response = await fetch(`${pair.origin}${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
      ...(traceId !== undefined && { traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: response.status, answer: JSON.parse(await response.text()) }
}

/** The spans of a trace, once it holds what is looked for. */
async function traceWith(
  traceId: string,
  isWhole: (spans: ReceivedSpan[]) => boolean,
): Promise<ReceivedSpan[]> {
  for (;;) {
    const spans = receiver.spans.filter((span) => span.traceId === traceId)
    if (isWhole(spans)) return spans
    await sleep(20)
  }
}
const named = (spans: readonly ReceivedSpan[], service: string, name: RegExp) =>
  spans.find((span) => span.service === service && name.test(span.name))

/** A token of a key that nobody has, for which content asks auth. */
function forge(token: string): string {
  const [head = '', ...rest] = token.split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString())
  const unknown = { ...header, kid: randomBytes(32).toString('base64url') }
  return [Buffer.from(JSON.stringify(unknown)).toString('base64url'), ...rest].join('.')
}

const tokens: string[] = []

t.test('a request shows what it did in PostgreSQL and Redis, in the trace of its caller', async (t) => {
  const signup = randomBytes(16).toString('hex')
  t.equal(
    (await call('POST', '/api/v1/signup', { body: { username, password, email }, traceId: signup })).status,
    201,
  )
  const spans = await traceWith(
    signup,
    (found) => named(found, 'portcullis-auth', /^POST \/api\/v1\/signup$/) !== undefined,
  )
  const request = named(spans, 'portcullis-auth', /^POST \/api\/v1\/signup$/)
  const statement = spans.find((span) =>
    /insert into "users"/.test(span.attributes['db.statement'] ?? span.attributes['db.query.text'] ?? ''),
  )
  t.ok(statement, 'with the statement')
  t.equal(request?.attributes['http.route'], '/api/v1/signup')
  t.ok(
    spans.some((span) =>
      /redis/.test(span.attributes['db.system'] ?? span.attributes['db.system.name'] ?? ''),
    ),
    'and Redis',
  )
})

t.test('a trace goes on from content to auth', async (t) => {
  const { answer } = await call('POST', '/api/v1/login', { body: { username, password } })
  tokens.push(answer.access_token, answer.refresh_token)
  const traceId = randomBytes(16).toString('hex')
  t.equal((await call('GET', '/api/v1/tasks', { token: forge(answer.access_token), traceId })).status, 401)
  const spans = await traceWith(
    traceId,
    (found) =>
      named(found, 'portcullis-auth', /jwks/) !== undefined &&
      named(found, 'portcullis-content', /^GET \/api\/v1\/tasks$/) !== undefined,
  )
  const asked = named(spans, 'portcullis-auth', /^GET \/\.well-known\/jwks\.json$/)
  const asking = spans.find((span) => span.spanId === asked?.parentSpanId)
  t.equal(asking?.service, 'portcullis-content')
  t.equal(asking?.parentSpanId, named(spans, 'portcullis-content', /^GET \/api\/v1\/tasks$/)?.spanId)
})

t.test('no token, password or email stands in any span', async (t) => {
  const [access = '', refresh = ''] = tokens
  const query = `?email=${email}&password=${password}&access_token=${access}`
  await call('GET', `/api/v1/posts${query}`)
  await call('GET', `/api/v1/users/${email}${query}`, { token: access })
  await call('POST', '/api/v1/login', { body: { username: email, password: `${password}x` } })
  await call('POST', '/api/v1/signup', { body: { username: 'somebody', password: `${password}y`, email } })
  await call('PATCH', '/api/v1/users/me', { token: access, body: { email: `other-${email}` } })
  await call('POST', '/api/v1/refresh', { body: { refresh_token: refresh } })
  await call('POST', '/api/v1/logout', { token: access })
  const last = randomBytes(16).toString('hex')
  await call('GET', `/api/v1/posts${query}`, { traceId: last })
  await traceWith(last, (spans) => spans.length > 0)
  // Auth hands over what is left when it stops.
  t.equal(await stop(pair.auth), 0)
  const text = receiver.bytes().toString('latin1')
  for (const found of [password, mail, username, access, refresh, access.split('.')[1] ?? '', 'Bearer'])
    t.notOk(text.includes(found), `${found.slice(0, 6)}…`)
  t.ok(text.includes('insert into'), 'what stands in a span would have been found')
  const attributes = new Set(receiver.spans.flatMap((span) => Object.keys(span.attributes)))
  t.notOk([...attributes].some((name) => /header|query\.parameter|url\.|user_agent|client/.test(name)))
})

t.test('what nobody asked for makes no trace', async (t) => {
  const roots = receiver.spans.filter((span) => span.parentSpanId === '')
  t.strictSame(
    roots.filter((span) => !/^[A-Z]+ \//.test(span.name)).map((span) => span.name),
    [],
  )
  t.notOk(receiver.spans.some((span) => span.name.includes('/health/')))
})

t.test('without an endpoint nothing of OpenTelemetry is loaded', async (t) => {
  const program = `
    const { startTracing } = await import('@portcullis/service-kit/tracing')
    await startTracing('auth')
    await import('./app.ts')
    // Metrics bring the API alone.
    const { Module } = await import('node:module')
    console.log(Object.keys(Module._cache).filter((file) => /@opentelemetry\\+(?!api@)|@fastify.otel/.test(file)).length)
    process.exit()`
  const args = ['--conditions=@portcullis/source', '--input-type=module', '--eval', program]
  const { stdout } = spawnSync(process.execPath, args, {
    cwd: `${root}/services/auth/src`,
    env: { PATH: process.env['PATH'], LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'] },
    encoding: 'utf8',
  })
  t.equal(stdout, '0\n')
})
