import t from 'tap'
import { freePort } from '../dev/ports.ts'
import { startPair } from './support/pair.ts'

const [authMetrics, contentMetrics] = [await freePort(), await freePort()]
const pair = await startPair(t, {
  auth: { METRICS_PORT: String(authMetrics), LOGIN_THROTTLE: 'off' },
  content: { METRICS_PORT: String(contentMetrics), RATE_LIMIT_MAX: '5' },
})

async function call(method: string, path: string, body?: object, token?: string) {
  const response = await fetch(`${pair.origin}${path}`, {
    method,
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: response.status, answer: JSON.parse(await response.text()) }
}

/** What Prometheus would read: the value of each series. */
async function scrape(port: number): Promise<Map<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

/** The sum over the series of this name with these labels; undefined if there is none. */
function valueOf(series: ReadonlyMap<string, number>, name: string, ...labels: string[]): number | undefined {
  const found = [...series].filter(
    ([key]) => (key === name || key.startsWith(`${name}{`)) && labels.every((label) => key.includes(label)),
  )
  return found.length === 0 ? undefined : found.reduce((sum, [, value]) => sum + value, 0)
}

t.test('what an operator has to know of the pair is measured where it happens', async (t) => {
  const [username, password] = ['measured', 'correct horse battery staple']
  await call('POST', '/api/v1/signup', { username, password })
  const { answer } = await call('POST', '/api/v1/login', { username, password })
  await call('POST', '/api/v1/login', { username, password: 'not this one' })
  for (let i = 0; i < 6; i++) await call('GET', '/api/v1/posts')
  t.equal((await call('POST', '/api/v1/logout', undefined, answer.access_token)).status, 200)

  const [auth, content] = [await scrape(authMetrics), await scrape(contentMetrics)]
  t.equal(valueOf(auth, 'auth_logins_total', 'outcome="success"'), 1)
  t.equal(valueOf(auth, 'auth_logins_total', 'outcome="wrong"'), 1)
  for (const state of ['running', 'waiting'])
    t.equal(valueOf(auth, 'auth_password_jobs', `state="${state}"`), 0, `hashing ${state}`)
  t.ok((valueOf(content, 'problems_total', 'code="RATE_LIMITED"') ?? 0) > 0, 'a limit was hit')
  // A busy machine can miss more than once.
  t.ok((valueOf(content, 'cache_reads_total', 'source="database"') ?? 0) > 0, 'a miss of the cache')
  t.ok((valueOf(content, 'cache_reads_total') ?? 0) > 1, 'and its hits')
  t.equal(valueOf(content, 'revocation_lag_seconds_count'), 1, 'the lag of a revocation')
  t.equal(valueOf(auth, 'revocation_barrier_seconds_count', 'outcome="complete"'), 1)
  t.ok((valueOf(content, 'user_changes_age_seconds') ?? 99) < 5, 'users are followed')
  for (const series of [auth, content]) {
    t.ok((valueOf(series, 'revocation_replica_age_seconds') ?? 99) < 2)
    t.ok((valueOf(series, 'postgres_pool_connections') ?? 0) > 0, 'connections of the pool')
    t.ok(valueOf(series, 'postgres_pool_waiting') !== undefined)
    t.equal(valueOf(series, 'redis_up'), 1)
    t.ok(valueOf(series, 'nodejs_eventloop_lag_p99_seconds') !== undefined, 'the event loop')
    t.ok((valueOf(series, 'http_request_duration_seconds_count') ?? 0) > 0)
  }
})
