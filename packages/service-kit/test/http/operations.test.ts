import type {} from '@fastify/under-pressure'
import t from 'tap'
import { createApp, problemResponses } from '@portcullis/service-kit'
import { appWithRoutes } from '../support/app.ts'
import { problemOf } from '../support/problem.ts'

t.test('readiness asks every check and names those that fail; liveness asks none', async (t) => {
  const app = appWithRoutes()
  t.teardown(() => app.close())
  await app.ready()
  t.strictSame((await app.inject('/health/ready')).json(), { status: 'ok' })

  const broken = appWithRoutes()
  t.teardown(() => broken.close())
  await broken.ready()
  broken.health.add('good', () => undefined)
  broken.health.add('bad', async () => {
    throw new Error('hunter2')
  })
  broken.health.add('slow', () => new Promise(() => undefined))
  const problem = await problemOf(t, broken, { url: '/health/ready' })
  t.equal(problem.code, 'UNAVAILABLE')
  t.equal(problem.detail, 'Not ready: bad, slow.')
  t.equal((await broken.inject('/health/live')).statusCode, 200)
})

t.test(
  'a process with far more work than it can do answers 503 at once, and goes on when it is done',
  async (t) => {
    const app = appWithRoutes()
    t.teardown(() => app.close())
    await app.ready()
    t.equal((await app.inject('/things')).statusCode, 200)
    while ((await app.inject('/things')).statusCode === 200) {
      const until = performance.now() + 1700
      while (performance.now() < until) continue
      await new Promise((resolve) => setTimeout(resolve))
    }
    const problem = await problemOf(t, app, { url: '/things' })
    t.equal(problem.code, 'UNAVAILABLE')
    const refused = await app.inject('/things')
    t.equal(refused.statusCode, 503)
    t.equal(refused.headers['retry-after'], '1')
    t.equal((await app.inject('/health/live')).statusCode, 200, 'it is alive')
    while (app.isUnderPressure()) await new Promise((resolve) => setTimeout(resolve, 50))
    t.equal((await app.inject('/things')).statusCode, 200)
  },
)

t.test('probes are not kept by any cache', async (t) => {
  const app = appWithRoutes()
  t.teardown(() => app.close())
  for (const url of ['/health/live', '/health/ready'])
    t.equal((await app.inject(url)).headers['cache-control'], 'no-store')
})

t.test('many probes at once ask the dependencies once', async (t) => {
  const app = appWithRoutes()
  t.teardown(() => app.close())
  await app.ready()
  let asked = 0
  app.health.add('store', () => {
    asked += 1
  })
  await Promise.all(Array.from({ length: 50 }, () => app.inject('/health/ready')))
  t.equal(asked, 1)
})

t.test(
  'whoever waits until the service is ready goes on as soon as it is, or when the time is over',
  async (t) => {
    const app = appWithRoutes()
    t.teardown(() => app.close())
    await app.ready()
    let looks = 0
    app.health.add('store', () => {
      looks += 1
      if (looks < 5) throw new Error('not yet')
    })
    await app.health.untilReady(60_000)
    t.equal(looks, 5)

    app.health.add('never', () => {
      throw new Error('never')
    })
    await app.health.untilReady(50)
    t.strictSame(await app.health.failing(), ['never'])
  },
)

t.test('metrics have a port of their own, and name routes rather than addresses', async (t) => {
  const app = appWithRoutes({ metrics: { host: '127.0.0.1', port: 39_217 } })
  t.teardown(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  await fetch(`${url}/things/019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77`)
  await fetch(`${url}/nothing/at/all`)
  t.equal((await fetch(`${url}/metrics`)).status, 404)
  const text = await (await fetch('http://127.0.0.1:39217/metrics')).text()
  t.match(text, /http_request_duration_seconds_count\{[^}]*route="\/things\/:id"[^}]*status="200"[^}]*\} 1/)
  t.notMatch(text, /019a5c3e|nothing/)
  t.match(text, /process_cpu_user_seconds_total/)
  t.equal((await fetch('http://127.0.0.1:39217/')).status, 404)
})

t.test('the OpenAPI document names the schemas and the errors of each route', async (t) => {
  const app = appWithRoutes({ description: 'What it is for' }, async (scope) => {
    scope.get(
      '/documented',
      { schema: { security: [{ bearer: [] }], response: problemResponses('NOT_FOUND') } },
      async () => 'x',
    )
  })
  t.teardown(() => app.close())
  const document = (await app.inject('/openapi.json')).json<Record<string, unknown>>()
  t.match(document, {
    openapi: '3.1.0',
    info: { title: 'Things', version: '1.0.0', description: 'What it is for' },
    components: {
      schemas: { Problem: { type: 'object' } },
      securitySchemes: { bearer: { scheme: 'bearer' } },
      examples: { NOT_FOUND: { value: { code: 'NOT_FOUND', status: 404 } } },
    },
    paths: {
      '/documented': {
        get: {
          responses: {
            404: {
              description: /NOT_FOUND/,
              content: {
                'application/problem+json': {
                  schema: { $ref: '#/components/schemas/Problem' },
                  examples: { NOT_FOUND: { $ref: '#/components/examples/NOT_FOUND' } },
                },
              },
            },
            429: { headers: { 'Retry-After': {} } },
            500: { description: /INTERNAL/ },
            503: { description: /UNAVAILABLE/ },
          },
        },
      },
    },
  })
  t.notOk(Reflect.has(Object(Reflect.get(document, 'paths')), '/openapi.json'))
  const page = await app.inject('/docs/')
  for (const url of ['/docs/', '/docs/json', '/openapi.json'])
    t.equal((await app.inject(url)).headers['cache-control'], 'no-store', url)
  t.equal(page.statusCode, 200)
  t.match(page.headers['content-type'], /html/)
})

t.test('X-Forwarded-For is believed only from the proxies that are named', async (t) => {
  const ask = async (trustProxy: string | boolean) => {
    const app = createApp({ name: 'x', title: 'x', version: '1', issuer: 'http://localhost', trustProxy })
    app.register(async (scope) => {
      scope.get('/ip', async (request) => ({ ip: request.ip }))
    })
    t.teardown(() => app.close())
    const headers = { 'x-forwarded-for': '203.0.113.7' }
    return (await app.inject({ url: '/ip', headers, remoteAddress: '192.0.2.1' })).json<{ ip: string }>().ip
  }
  t.equal(await ask(false), '192.0.2.1')
  t.equal(await ask('198.51.100.1'), '192.0.2.1')
  t.equal(await ask('192.0.2.0/24'), '203.0.113.7')
})

t.test('answers carry the headers that keep browsers from harm', async (t) => {
  const app = appWithRoutes()
  t.teardown(() => app.close())
  const { headers } = await app.inject('/things')
  t.match(headers, {
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    'strict-transport-security': /max-age=\d+/,
  })
})
