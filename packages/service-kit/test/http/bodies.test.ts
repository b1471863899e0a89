import { Readable } from 'node:stream'
import t from 'tap'
import { appWithRoutes } from '../support/app.ts'
import { problemOf } from '../support/problem.ts'

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
