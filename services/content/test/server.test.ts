import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import pg from 'pg'
import { bearer, startContent } from './support/content.ts'
import { until } from './support/until.ts'

const content = await startContent(t)
const { app, config, issuer } = content
const server = new URL('../src/server.ts', import.meta.url).pathname

function start(t: Test, env: Record<string, string>) {
  const child = spawn(process.execPath, ['--conditions=@portcullis/source', server], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const exited = once(child, 'exit').then(([code]: unknown[]) => code)
  return { child, exited, lines: createInterface({ input: child.stdout }), errors: () => errors }
}

const env = Object.fromEntries(Object.entries(config).map(([name, value]) => [name, String(value)]))

/** Where it listens, as soon as it does. */
async function urlIn(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) {
    const url = /listening at (http:[^"]+)/.exec(line)?.[1]
    if (url !== undefined) return url
  }
  throw new Error('it has ended')
}

t.test('the service starts from its environment, answers, and stops at SIGTERM', async (t) => {
  const { child, exited, lines } = start(t, { ...env, LOG_LEVEL: 'info' })
  const url = await urlIn(lines)
  t.equal((await fetch(`${url}/health/live`)).status, 200)
  t.equal((await fetch(`${url}/api/v1/posts`)).status, 200)
  t.equal((await fetch(`${url}/api/v1/tasks`)).status, 401)
  child.kill('SIGTERM')
  t.equal(await exited, 0)
})

t.test('the service stops also when nobody reads its log any more', async (t) => {
  const { child, exited, lines } = start(t, { ...env, LOG_LEVEL: 'info' })
  await urlIn(lines)
  child.stdout.destroy()
  child.kill('SIGTERM')
  t.equal(await exited, 0)
})

t.test('the service starts, answers and stops while the Redis of its cache is away', async (t) => {
  const locked = new URL(content.redis.url())
  locked.username = 'nobody'
  locked.password = 'hunter2'
  for (const CACHE_REDIS_URL of ['redis://127.0.0.1:9', 'redis://no-such-host.invalid', locked.href]) {
    const { child, exited, lines } = start(t, { ...env, CACHE_REDIS_URL, LOG_LEVEL: 'info' })
    const url = await urlIn(lines)
    t.equal((await fetch(`${url}/api/v1/posts`)).status, 200, CACHE_REDIS_URL)
    child.kill('SIGTERM')
    t.equal(await exited, 0, CACHE_REDIS_URL)
  }
})

t.test(
  'without keys and revocations the service listens all the same, says so, and answers what it can',
  async (t) => {
    const nowhere = 'http://127.0.0.1:9'
    const away = {
      JWKS_URL: `${nowhere}/jwks.json`,
      AUTH_URL: nowhere,
      REVOCATION_REDIS_URL: 'redis://127.0.0.1:9',
    }
    const { lines } = start(t, { ...env, ...away, LOG_LEVEL: 'info' })
    const url = await urlIn(lines)
    const ready = await fetch(`${url}/health/ready`)
    t.equal(ready.status, 503)
    t.match(await ready.json(), { detail: 'Not ready: revocations.' })
    t.equal((await fetch(`${url}/api/v1/posts`)).status, 200)
  },
)

t.test('without its settings it does not start, and names them all', async (t) => {
  const { exited, errors } = start(t, { CLIENT_SECRET: 'hunter2' })
  t.equal(await exited, 78)
  for (const name of [
    'ISSUER',
    'DATABASE_URL',
    'CACHE_REDIS_URL',
    'REVOCATION_REDIS_URL',
    'JWKS_URL',
    'AUTH_URL',
    'CLIENT_SECRET',
  ])
    t.match(errors(), new RegExp(`^configuration: ${name} `, 'm'))
  t.notMatch(errors(), /hunter2/)
})

t.test('the OpenAPI document describes every route, its errors and who may come in', async (t) => {
  const document = (await app.inject('/openapi.json')).json<Record<string, unknown>>()
  const at = (value: unknown, key: string): unknown => Reflect.get(Object(value), key)
  const operations = Object.entries(Object(at(document, 'paths')))
    .filter(([path]) => path.startsWith('/api/v1/'))
    .flatMap(([path, item]) =>
      Object.entries(Object(item)).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
    )
  t.same(
    new Set(operations.map(({ operation }) => at(operation, 'operationId'))),
    new Set(
      'listPosts getPost createPost updatePost deletePost listTasks getTask createTask replaceTask updateTask deleteTask'.split(
        ' ',
      ),
    ),
  )
  for (const { name, operation } of operations) {
    t.type(at(operation, 'summary'), 'string', name)
    const isPublic = /^get .*posts/.test(name)
    const responses = Object.keys(Object(at(operation, 'responses')))
    t.strictSame(at(operation, 'security'), isPublic ? [] : [{ bearer: [] }], name)
    for (const status of ['400', '429', '503']) t.ok(responses.includes(status), `${name} ${status}`)
    for (const status of ['401', '403']) t.equal(responses.includes(status), !isPublic, `${name} ${status}`)
  }
  t.match(document, {
    components: { schemas: { Post: {}, Task: {}, Problem: {}, CreatePostBody: {}, TaskBody: {} } },
  })
  const dangling = [
    ...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g),
  ].filter(([, name = '']) => at(at(at(document, 'components'), 'schemas'), name) === undefined)
  t.strictSame(dangling, [])
})

t.test('limits are per user, and told', async (t) => {
  const limited = await startContent(t, { RATE_LIMIT_MAX: 5 })
  const ask = (user: string) =>
    limited.app.inject({ url: '/api/v1/tasks', headers: bearer(limited.issuer.mint({ user })) })
  for (let n = 4; n >= 0; n--)
    t.match((await ask('ada')).headers['ratelimit'], new RegExp(`^"default";r=${n};t=\\d+$`))
  const refused = await ask('ada')
  t.equal(refused.statusCode, 429)
  t.ok(refused.headers['retry-after'])
  t.equal((await ask('eve')).statusCode, 200, 'also from the same address')
  const bad = () => limited.app.inject({ url: '/api/v1/posts', headers: bearer('garbage') })
  for (let n = 0; n < 5; n++) t.equal((await bad()).statusCode, 200)
  t.equal((await bad()).statusCode, 429, 'a token that is not good counts by address')
})

t.test('answers to repeated requests are forgotten after a day', async (t) => {
  const admin = new pg.Client({ connectionString: config.DATABASE_URL })
  await admin.connect()
  t.teardown(() => admin.end())
  const create = () =>
    app.inject({
      method: 'POST',
      url: '/api/v1/tasks',
      headers: { ...bearer(issuer.mint()), 'idempotency-key': randomUUID() },
      payload: { title: 'a' },
    })
  for (let n = 0; n < 3; n++) await create()
  await admin.query(`update idempotency_keys set created_at = now() - interval '25 hours'`)
  await create()
  await content.another()
  await until(async () => (await admin.query('select 1 from idempotency_keys')).rowCount === 1)
  t.pass('the youngest is left')
})
