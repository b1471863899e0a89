import t from 'tap'
import { race } from '@portcullis/test-kit'
import { bearer, read, schemas, startContent } from './support/content.ts'

const { app, issuer } = await startContent(t)
const ada = bearer(issuer.mint({ user: 'ada' }))
const eve = bearer(issuer.mint({ user: 'eve' }))

const kinds = [
  { kind: 'posts', body: { title: 'a', description: '' }, change: { title: 'b' } },
  { kind: 'tasks', body: { title: 'a' }, change: { status: 'done' } },
] as const

for (const { kind, body, change } of kinds) {
  const url = `/api/v1/${kind}`
  const create = async () => {
    const response = await app.inject({ method: 'POST', url, headers: ada, payload: body })
    t.equal(response.statusCode, 201)
    return { path: String(response.headers.location), tag: String(response.headers.etag) }
  }
  const patch = (path: string, headers: Record<string, string>) =>
    app.inject({ method: 'PATCH', url: path, headers: { ...ada, ...headers }, payload: change })

  t.test(`${kind}: who has the newest version is told so without a body`, async (t) => {
    const { path, tag } = await create()
    for (const header of [tag, `W/${tag}`, `"other", ${tag}`, `, "\xe9",\t, ${tag},`, '*']) {
      const response = await app.inject({ url: path, headers: { ...ada, 'if-none-match': header } })
      t.equal(response.statusCode, 304, header)
      t.equal(response.body, '')
      t.equal(response.headers.etag, tag)
      t.equal(response.headers['content-length'], undefined)
      const head = await app.inject({
        method: 'HEAD',
        url: path,
        headers: { ...ada, 'if-none-match': header },
      })
      t.equal(head.statusCode, 304)
      t.equal(head.headers.etag, tag)
      t.equal(head.headers['content-length'], undefined, 'which would be that of the 200')
    }
    const head = await app.inject({ method: 'HEAD', url: path, headers: ada })
    t.ok(Number(head.headers['content-length']) > 0)
    for (const header of ['"other"', '"1"']) {
      const response = await app.inject({ url: path, headers: { ...ada, 'if-none-match': header } })
      t.equal(response.statusCode, header === tag ? 304 : 200, header)
    }
    await patch(path, {})
    t.equal((await app.inject({ url: path, headers: { ...ada, 'if-none-match': tag } })).statusCode, 200)
  })

  t.test(
    `${kind}: who asks for another version than the newest is told so, whatever they have`,
    async (t) => {
      const { path, tag } = await create()
      const get = (headers: Record<string, string>) =>
        app.inject({ url: path, headers: { ...ada, ...headers } })
      for (const header of [tag, `"other", ${tag}`, '*'])
        t.equal((await get({ 'if-match': header })).statusCode, 200, header)
      for (const header of ['"other"', `W/${tag}`]) {
        const refused = await get({ 'if-match': header, 'if-none-match': tag })
        t.equal(read(refused, 412, schemas.problem).code, 'PRECONDITION_FAILED')
        t.equal(refused.headers.etag, tag)
      }
      t.equal((await get({ 'if-match': tag, 'if-none-match': tag })).statusCode, 304)
    },
  )

  t.test(`${kind}: a change is made only to the version that it names`, async (t) => {
    const { path, tag } = await create()
    const first = await patch(path, { 'if-match': tag })
    t.equal(first.statusCode, 200)
    t.not(first.headers.etag, tag)
    for (const method of ['PATCH', 'DELETE'] as const) {
      const payload = method === 'PATCH' ? { payload: change } : {}
      const newest = String(first.headers.etag)
      for (const header of [
        tag,
        `W/${newest}`,
        newest.replace('"', '"0'),
        '"x"',
        '"999999999999999999"',
        '""',
      ]) {
        const response = await app.inject({
          method,
          url: path,
          headers: { ...ada, 'if-match': header },
          ...payload,
        })
        t.equal(read(response, 412, schemas.problem).code, 'PRECONDITION_FAILED', `${method} ${header}`)
        t.equal(response.headers.etag, first.headers.etag, 'the newest is told')
      }
    }
    t.equal((await patch(path, { 'if-match': `"x",, ${String(first.headers.etag)},` })).statusCode, 200)
    t.equal((await patch(path, { 'if-match': '*' })).statusCode, 200)
  })

  t.test(`${kind}: no change is made to a version that is excluded`, async (t) => {
    const { path, tag } = await create()
    for (const method of ['PATCH', 'DELETE'] as const) {
      const payload = method === 'PATCH' ? { payload: change } : {}
      for (const header of ['*', tag, `W/${tag}`, `"x", ${tag}`]) {
        const headers = { ...ada, 'if-none-match': header }
        const response = await app.inject({ method, url: path, headers, ...payload })
        t.equal(read(response, 412, schemas.problem).code, 'PRECONDITION_FAILED', `${method} ${header}`)
        t.equal(response.headers.etag, tag)
      }
    }
    t.equal((await patch(path, { 'if-match': tag, 'if-none-match': tag })).statusCode, 412)
    t.equal((await patch(path, { 'if-match': tag, 'if-none-match': '"x"' })).statusCode, 200)
    t.equal((await patch(path, { 'if-none-match': tag })).statusCode, 200, 'it is another by now')
  })

  t.test(`${kind}: of many who change the same version at once one wins`, async (t) => {
    const { path, tag } = await create()
    const results = await race(10, () => patch(path, { 'if-match': tag }))
    const statuses = results
      .map((result) => (result.status === 'fulfilled' ? result.value.statusCode : 0))
      .sort((a, b) => a - b)
    t.strictSame(statuses, [200, ...Array<number>(9).fill(412)])
  })

  t.test(`${kind}: a precondition that is no entity tag is refused`, async (t) => {
    const { path } = await create()
    for (const header of ['1', '"a', '"a" "b"', ',', '"a",b', `"${'x'.repeat(3000)}"`]) {
      for (const parameter of ['if-match', 'if-none-match'])
        t.match(read(await patch(path, { [parameter]: header }), 400, schemas.problem).errors, [
          { parameter },
        ])
      const response = await app.inject({ url: path, headers: { ...ada, 'if-none-match': header } })
      t.match(read(response, 400, schemas.problem).errors, [{ parameter: 'if-none-match' }])
    }
  })

  t.test(`${kind}: a precondition never tells what is not one’s own`, async (t) => {
    const { path, tag } = await create()
    const response = await app.inject({
      method: 'PATCH',
      url: path,
      headers: { ...eve, 'if-match': tag },
      payload: change,
    })
    t.equal(response.statusCode, kind === 'posts' ? 403 : 404)
    for (const header of ['if-match', 'if-none-match'])
      t.equal((await patch(`${url}/019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77`, { [header]: '*' })).statusCode, 404)
  })
}

t.test('PUT of a task has preconditions too', async (t) => {
  const created = await app.inject({
    method: 'POST',
    url: '/api/v1/tasks',
    headers: ada,
    payload: { title: 'a' },
  })
  const path = String(created.headers.location)
  const put = (tag: string) =>
    app.inject({ method: 'PUT', url: path, headers: { ...ada, 'if-match': tag }, payload: { title: 'b' } })
  const replaced = await put(String(created.headers.etag))
  t.equal(replaced.statusCode, 200)
  t.equal((await put(String(created.headers.etag))).statusCode, 412)
  t.equal((await put(String(replaced.headers.etag))).statusCode, 200)
})

t.test('the list of posts has a tag that changes with what it shows', async (t) => {
  const list = (tag?: string) =>
    app.inject({ url: '/api/v1/posts?limit=5', headers: tag === undefined ? {} : { 'if-none-match': tag } })
  const before = await list()
  const tag = String(before.headers.etag)
  t.match(tag, /^"[\w-]+"$/)
  const same = await list(tag)
  t.equal(same.statusCode, 304)
  t.equal(same.body, '')
  const payload = { title: 'New', description: '' }
  await app.inject({ method: 'POST', url: '/api/v1/posts', headers: ada, payload })
  const after = await list(tag)
  t.equal(after.statusCode, 200)
  t.not(after.headers.etag, tag)
})
