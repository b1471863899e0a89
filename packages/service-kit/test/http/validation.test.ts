import t, { type Test } from 'tap'
import fc from 'fast-check'
import { appWithRoutes } from '../support/app.ts'
import { problemOf } from '../support/problem.ts'

const app = appWithRoutes({}, async (app) => {
  app.post('/api/v1/jobs', async () => ({}))
  app.get('/api/v1/jobs/:id', { schema: { params: { type: 'object' } } }, async () => ({}))
  const schema = {
    querystring: { type: 'object', properties: { age: { type: 'number' } } },
    headers: { type: 'object', properties: { 'x-count': { type: 'integer' } } },
  }
  app.get('/numbers', { schema }, async ({ query, headers }) => ({
    ...Object(query),
    count: headers['x-count'],
  }))
  app.get('/api/v1/any', { schema: { querystring: { type: 'object' } } }, async () => ({}))
})
t.teardown(() => app.close())

const json = { 'content-type': 'application/json' }

async function refusedFields(t: Test, payload: string): Promise<[string, string][]> {
  const problem = await problemOf(t, app, { method: 'POST', url: '/things', headers: json, payload })
  t.equal(problem.code, 'REQUEST_INVALID')
  return (problem.errors ?? []).map(({ pointer, code }) => [pointer ?? '-', code])
}

t.test('every field at fault is named by its JSON pointer', async (t) => {
  t.strictSame(await refusedFields(t, '{"name":"x","size":11,"kind":"c","at":"never"}'), [
    ['/name', 'too_short'],
    ['/size', 'too_large'],
    ['/kind', 'one_of'],
    ['/at', 'one_of'],
  ])
  t.strictSame(await refusedFields(t, '{}'), [['/name', 'required']])
  t.strictSame(await refusedFields(t, '{"name":"ok","inner":{}}'), [['/inner/a~1b', 'required']])
  t.strictSame(await refusedFields(t, '{"name":"ok","list":[{"n":1},{"n":"1"}]}'), [['/list/1/n', 'type']])
  t.strictSame(await refusedFields(t, '[]'), [['', 'type']])
  t.strictSame(await refusedFields(t, ''), [['', 'type']])
})

t.test('unknown fields are refused and named', async (t) => {
  t.strictSame(await refusedFields(t, '{"name":"ok","roles":["admin"],"inner":{"a/b":"","x~":1}}'), [
    ['/roles', 'unknown'],
    ['/inner/x~0', 'unknown'],
  ])
})

t.test('of a union, what is wrong inside is named, else that it fits none of the branches', async (t) => {
  const refused = (either: unknown) => refusedFields(t, JSON.stringify({ name: 'ok', either }))
  t.strictSame(await refused({ n: 1, extra: 1 }), [['/either/extra', 'unknown']])
  t.strictSame(await refused({}), [['/either/n', 'required']])
  t.strictSame(await refused({ n: 'x', extra: 1 }), [
    ['/either/extra', 'unknown'],
    ['/either/n', 'type'],
  ])
  t.strictSame(await refused({ n: 1, at: 'x' }), [['/either/at', 'one_of']])
  for (const other of [5, 'x', []]) t.strictSame(await refused(other), [['/either', 'one_of']])
})

t.test('a name given twice is refused and named, wherever it stands', async (t) => {
  t.strictSame(await refusedFields(t, '{"name":"ok","size":1,"name":"no"}'), [['/name', 'repeated']])
  t.strictSame(await refusedFields(t, String.raw`{"name":"ok","n\u0061me":"no"}`), [['/name', 'repeated']])
  t.strictSame(await refusedFields(t, '{"name":"ok","list":[{"n":1},{"n":1,"n":2}]}'), [
    ['/list/1/n', 'repeated'],
  ])
})

t.test('a name that would change the prototype is refused', async (t) => {
  t.strictSame(await refusedFields(t, '{"name":"ok","__proto__":{"isAdmin":true}}'), [
    ['/__proto__', 'unknown'],
  ])
  t.strictSame(await refusedFields(t, '{"name":"ok","constructor":{"prototype":{}}}'), [
    ['/constructor', 'unknown'],
  ])
})

t.test('text that PostgreSQL cannot store is refused', async (t) => {
  t.strictSame(await refusedFields(t, String.raw`{"name":"a\u0000b"}`), [['/name', 'format']])
  t.strictSame(await refusedFields(t, String.raw`{"name":"a\ud800b"}`), [['/name', 'format']])
})

t.test('types are not guessed in a body', async (t) => {
  t.strictSame(await refusedFields(t, '{"name":12345,"size":"5"}'), [
    ['/name', 'type'],
    ['/size', 'type'],
  ])
})

t.test('no value that was sent comes back in an answer', async (t) => {
  const payload = JSON.stringify({
    name: 'hunter2-is-too-long',
    email: 'hunter2',
    kind: 'hunter2',
    at: 'hunter2',
  })
  const response = await app.inject({ method: 'POST', url: '/things', headers: json, payload })
  t.equal(response.statusCode, 400)
  t.notMatch(response.body, /hunter2/)
})

t.test('a body with thousands of unknown fields gets a short answer', async (t) => {
  const wide = Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`field${n}`, n]))
  t.equal((await refusedFields(t, JSON.stringify(wide))).length, 20)

  const wider = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`field${n}`, n]))
  for (const payload of [JSON.stringify(wider), `${'['.repeat(100)}${']'.repeat(100)}`]) {
    const problem = await problemOf(t, app, { method: 'POST', url: '/things', headers: json, payload })
    t.equal(problem.code, 'REQUEST_MALFORMED')
  }
})

t.test('parameters at fault are named', async (t) => {
  const problem = await problemOf(t, app, { url: '/things?limit=1&limit=2&text=%00&page=3' })
  t.strictSame(
    problem.errors?.map(({ parameter, code }) => [parameter, code]),
    [
      ['page', 'unknown'],
      ['limit', 'repeated'],
      ['text', 'format'],
    ],
  )
  for (const limit of ['0', '101', '1e20', '-1', '1.5', 'x', ''])
    t.equal(
      (await problemOf(t, app, { url: `/things?limit=${limit}` })).errors?.[0]?.parameter,
      'limit',
      limit,
    )
})

t.test('where the API takes no parameters, each one in the query is refused and named', async (t) => {
  const requests = [
    { method: 'POST', url: '/api/v1/jobs' },
    { method: 'GET', url: '/api/v1/jobs/1' },
    { method: 'HEAD', url: '/api/v1/jobs/1' },
  ] as const
  for (const { method, url } of requests) {
    for (const query of ['', '?'])
      t.equal((await app.inject({ method, url: `${url}${query}` })).statusCode, 200)
    t.equal((await app.inject({ method, url: `${url}?dry_run=true` })).statusCode, 400, `${method} ${url}`)
  }
  t.match(await problemOf(t, app, { method: 'POST', url: '/api/v1/jobs?dry_run=true&x=1&x=2&__proto__' }), {
    code: 'REQUEST_INVALID',
    errors: ['dry_run', 'x', '__proto__'].map((parameter) => ({ parameter, code: 'unknown' })),
  })
  const many = Array.from({ length: 900 }, (_, n) => `${'p'.repeat(200)}${n}`).join('&')
  const { errors = [] } = await problemOf(t, app, { url: `/api/v1/jobs/1?${many.slice(0, 10_000)}` })
  t.equal(errors.length, 20)
  t.ok(errors.every(({ parameter }) => parameter?.length === 100))
  for (const url of ['/api/v1/any?force=true', '/health/live?probe=1', '/problems?x=1'])
    t.equal((await app.inject(url)).statusCode, 200, url)
  t.equal((await problemOf(t, app, { url: '/api/v1/nothing?x=1' })).code, 'NOT_FOUND')
})

t.test('a number in a query or a header is a number in the handler', async (t) => {
  t.strictSame((await app.inject('/things?limit=50')).json(), { limit: 50 })
  for (const number of ['0', '-5', '-1.5', '0.25', '1e-7', '60'])
    t.strictSame((await app.inject(`/numbers?age=${number}`)).json(), { age: Number(number) }, number)
  t.strictSame((await app.inject({ url: '/numbers', headers: { 'x-count': '-50' } })).json(), { count: -50 })
})

t.test('a whole number in a query or a header is decimal digits, and nothing else', async (t) => {
  const asked = async (limit: string, headers = {}) =>
    (await problemOf(t, app, { url: `/things?limit=${limit}`, headers })).errors
  const wrong = [{ parameter: 'limit', code: 'type', detail: 'must be integer' }]
  const others = ['0x5', '0b1', '1e1', '+1', '1.0', '01', '-01', '-0', '1_0', 'Infinity', 'true', 'null', '']
  t.strictSame(await asked('abc'), wrong)
  for (const text of [...others, ' 1', '1 ', '\t1', '1\n', '\u0661'])
    t.strictSame(await asked(encodeURIComponent(text)), wrong, text)
  for (const text of others) {
    const { errors } = await problemOf(t, app, { url: '/numbers', headers: { 'x-count': text } })
    t.strictSame(errors, [{ ...wrong[0], parameter: 'x-count' }], text)
  }
  for (const text of ['0x5', '+1', '01', '.5', '5.', ' 1', 'Infinity', '']) {
    const { errors } = await problemOf(t, app, { url: `/numbers?age=${encodeURIComponent(text)}` })
    t.match(errors, [{ parameter: 'age', code: 'type', detail: 'must be number' }], text)
  }
})

t.test('malformed ids are refused', async (t) => {
  for (const id of [
    '1',
    'x'.repeat(200),
    'urn:uuid:019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77',
    '%00',
    '%F0%9F',
    '..%2f',
  ]) {
    const response = await app.inject(`/things/${id}`)
    t.equal(response.statusCode, 400, id)
  }
})

t.test('times are taken if PostgreSQL and JavaScript both have them', async (t) => {
  const accepted = ['2026-11-21T09:30:00Z', '2026-11-21T09:30:00.123456+02:00', '0001-01-01T00:00:00Z']
  const refused = [
    '2026-11-21',
    '2026-02-30T25:00:00Z',
    '0000-01-01T00:00:00Z',
    '2026-12-31T23:59:60Z',
    '2026-11-21T09:30:00',
  ]
  for (const [times, status] of [
    [accepted, 200],
    [refused, 400],
  ] as const) {
    for (const at of times) {
      const response = await app.inject({ method: 'POST', url: '/things', payload: { name: 'ok', at } })
      t.equal(response.statusCode, status, at)
    }
  }
})

t.test('emails are checked in a time that does not depend on what they hold', async (t) => {
  const started = performance.now()
  for (const email of [`${'a.'.repeat(100_000)}a`, `a@${'a-'.repeat(100_000)}`, `a@${'a.'.repeat(120)}`]) {
    const response = await app.inject({ method: 'POST', url: '/things', payload: { name: 'ok', email } })
    t.equal(response.statusCode, 400)
  }
  t.ok(performance.now() - started < 2000)
  for (const email of ['ada@example.com', "Ada.O'Hara+x@mail.example.co.uk"]) {
    const response = await app.inject({ method: 'POST', url: '/things', payload: { name: 'ok', email } })
    t.equal(response.statusCode, 200, email)
  }
})

t.test('whatever the body is, it is read as JSON reads it or refused', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
      ),
      async (payload) => {
        const response = await app.inject({ method: 'POST', url: '/bodiless', headers: json, payload })
        const read = () =>
          `{"body":${payload.length === 0 ? 'null' : JSON.stringify(JSON.parse(String(payload)))}}`
        const isRight =
          response.statusCode === 400 || (response.statusCode === 200 && response.body === read())
        if (!isRight) t.fail(`${response.statusCode} ${response.body}`, { payload: String(payload) })
      },
    ),
    { numRuns: 200 },
  )
})
