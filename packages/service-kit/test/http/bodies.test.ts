import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { appWithRoutes } from '../support/app.ts'
import { asProblem, problemOf } from '../support/problem.ts'

const app = appWithRoutes()
t.teardown(() => app.close())
const chunked = { 'transfer-encoding': 'chunked' }

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

t.test('a content type that is none is as one that nobody takes', async (t) => {
  for (const type of ['', 'foo', 'foo; charset=utf-8', '/json', 'application/'])
    for (const sent of [{ 'content-length': '0' }, chunked]) {
      const ask = (url: string, ...parts: string[]) => {
        const headers = { ...(parts.length === 0 ? sent : chunked), 'content-type': type }
        return { method: 'POST' as const, url, headers, payload: Readable.from(parts) }
      }
      t.strictSame((await app.inject(ask('/bodiless'))).json(), { body: null }, type)
      t.strictSame((await app.inject(ask('/optional'))).json(), { body: null }, type)
      t.equal((await problemOf(t, app, ask('/nothing'))).code, 'NOT_FOUND', type)
      for (const url of ['/things', '/bodiless', '/optional'])
        t.equal((await problemOf(t, app, ask(url, '{}'))).code, 'MEDIA_TYPE_UNSUPPORTED', type)
      t.equal((await problemOf(t, app, ask('/nothing', '{}'))).code, 'NOT_FOUND', type)
    }
})

t.test('a body in a coding is 415 and told which one is taken, and none is taken for another', async (t) => {
  const ask = (coding: string, payload: Buffer | string, url = '/things') =>
    app.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', 'content-encoding': coding },
      payload,
    })
  const text = '{"name":"ok"}'
  for (const [coding, body] of [
    ['gzip', gzipSync(text)],
    ['gzip', text],
    ['GZIP', text],
    ['br', text],
    ['gzip, identity', text],
    ['made-up', text],
  ] as const)
    for (const url of ['/things', '/bodiless', '/optional']) {
      const response = await ask(coding, body, url)
      t.equal(asProblem(t, response).code, 'MEDIA_TYPE_UNSUPPORTED', coding)
      t.equal(response.headers['accept-encoding'], 'identity')
    }
  const { statusCode, headers } = await app.inject({
    method: 'POST',
    url: '/things',
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip', ...chunked },
    payload: Readable.from([gzipSync(text)]),
  })
  t.strictSame([statusCode, headers['accept-encoding']], [415, 'identity'])
  for (const coding of ['identity', 'Identity', ''])
    t.equal((await ask(coding, text)).statusCode, 200, coding)
  t.equal((await ask('gzip', '', '/bodiless')).statusCode, 200, 'where there is no body')
  t.equal((await app.inject({ url: '/things', headers: { 'content-encoding': 'gzip' } })).statusCode, 200)
  t.equal((await ask('gzip', text, '/nothing')).statusCode, 404)
})
