import { randomUUID } from 'node:crypto'
import t from 'tap'
import { bearer, read, schemas, startContent } from './support/content.ts'

const { app, issuer } = await startContent(t)
const id = randomUUID()

interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly payload?: object
}

/** Every route that needs a token, with a request that fits it. */
const PROTECTED: Request[] = [
  { method: 'POST', url: '/api/v1/posts', payload: { title: 'a', description: '' } },
  { method: 'PATCH', url: `/api/v1/posts/${id}`, payload: { title: 'a' } },
  { method: 'DELETE', url: `/api/v1/posts/${id}` },
  { method: 'POST', url: '/api/v1/tasks', payload: { title: 'a' } },
  { method: 'GET', url: '/api/v1/tasks' },
  { method: 'GET', url: `/api/v1/tasks/${id}` },
  { method: 'PUT', url: `/api/v1/tasks/${id}`, payload: { title: 'a' } },
  { method: 'PATCH', url: `/api/v1/tasks/${id}`, payload: { title: 'a' } },
  { method: 'DELETE', url: `/api/v1/tasks/${id}` },
]
const name = ({ method, url }: Request) => `${method} ${url}`

t.test('without a token every route but reading posts is closed', async (t) => {
  for (const request of PROTECTED) {
    const response = await app.inject(request)
    t.equal(read(response, 401, schemas.problem).code, 'AUTH_TOKEN_MISSING', name(request))
    t.match(response.headers['www-authenticate'], /^Bearer realm="[^"]+"$/)
  }
})

t.test('a token that is not good is refused on every route', async (t) => {
  const revoked = issuer.mint({ user: 'revoked' })
  await issuer.revoke(revoked)
  const tokens = {
    garbage: 'not.a.token',
    expired: issuer.mint({ expiresInSeconds: -10 }),
    revoked,
    'for others': issuer.mint({ claims: { aud: 'somebody-else' } }),
    'of another issuer': issuer.mint({ claims: { iss: 'https://evil.example.com' } }),
    'of another sort': issuer.mint({ header: { typ: 'rt+jwt' } }),
  }
  for (const [kind, token] of Object.entries(tokens)) {
    for (const request of PROTECTED) {
      const response = await app.inject({ ...request, headers: bearer(token) })
      t.equal(read(response, 401, schemas.problem).code, 'AUTH_TOKEN_INVALID', `${kind}: ${name(request)}`)
      t.match(response.headers['www-authenticate'], /error="invalid_token"/)
    }
  }
})

t.test('the token of a registered client opens no route for users', async (t) => {
  const headers = bearer(issuer.mintClient({ scope: 'posts:write tasks:write' }))
  for (const request of PROTECTED) {
    const response = await app.inject({ ...request, headers })
    t.equal(read(response, 403, schemas.problem).code, 'AUTH_CLIENT_TOKEN', name(request))
  }
})

t.test('the token is looked at before the body', async (t) => {
  const response = await app.inject({
    method: 'POST',
    url: '/api/v1/posts',
    headers: { 'content-type': 'application/json' },
    payload: '{"title":',
  })
  t.equal(response.statusCode, 401)
})

t.test('headers that gateways set are not believed', async (t) => {
  for (const request of PROTECTED) {
    const response = await app.inject({
      ...request,
      headers: { 'x-user-id': id, 'x-user-roles': 'admin', 'x-user-name': 'root' },
    })
    t.equal(response.statusCode, 401, name(request))
  }
})

t.test(
  'two users, every verb on what belongs to the other: no leak, nothing changed, no error of ours',
  async (t) => {
    const ada = bearer(issuer.mint({ user: 'ada' }))
    const eve = bearer(issuer.mint({ user: 'eve' }))
    const post = read(
      await app.inject({
        method: 'POST',
        url: '/api/v1/posts',
        headers: ada,
        payload: { title: 'a', description: '' },
      }),
      201,
      schemas.post,
    )
    const task = read(
      await app.inject({
        method: 'POST',
        url: '/api/v1/tasks',
        headers: ada,
        payload: { title: 'a secret' },
      }),
      201,
      schemas.task,
    )
    const malformed = [
      '0',
      'null',
      '%00',
      'x'.repeat(250),
      "'; drop table tasks --",
      '00000000-0000-0000-0000-00000000000g',
    ]

    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE'] as const) {
      const payload = method === 'PUT' || method === 'PATCH' ? { payload: { title: 'mine now' } } : {}
      const ask = (path: string) => app.inject({ method, url: `/api/v1/${path}`, headers: eve, ...payload })

      const theirs = await ask(`tasks/${task.id}`)
      const none = await ask(`tasks/${randomUUID()}`)
      t.equal(theirs.statusCode, 404, `${method} task`)
      t.notMatch(theirs.body, /secret/)
      const sameBut = (body: string) => body.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '')
      t.equal(
        sameBut(theirs.body),
        sameBut(none.body),
        'another user’s task cannot be told from a missing one',
      )
      t.strictSame(Object.keys(theirs.headers), Object.keys(none.headers))

      if (method === 'PATCH' || method === 'DELETE')
        t.equal((await ask(`posts/${post.id}`)).statusCode, 403, `${method} post`)
      for (const bad of malformed) {
        for (const kind of ['tasks', 'posts']) {
          const { statusCode } = await ask(`${kind}/${encodeURIComponent(bad).replaceAll('%2500', '%00')}`)
          t.ok(statusCode >= 400 && statusCode < 500, `${method} ${kind}/${bad.slice(0, 40)} ${statusCode}`)
        }
      }
    }
    t.strictSame(read(await app.inject({ url: '/api/v1/tasks', headers: eve }), 200, schemas.tasks).items, [])
    t.strictSame(
      read(await app.inject({ url: `/api/v1/tasks/${task.id}`, headers: ada }), 200, schemas.task),
      task,
    )
    t.strictSame(read(await app.inject(`/api/v1/posts/${post.id}`), 200, schemas.post), post)
  },
)

t.test('not even an admin sees the tasks of others', async (t) => {
  const ada = bearer(issuer.mint({ user: 'ada' }))
  const admin = bearer(issuer.mint({ user: 'root', roles: ['admin'] }))
  const task = read(
    await app.inject({ method: 'POST', url: '/api/v1/tasks', headers: ada, payload: { title: 'a' } }),
    201,
    schemas.task,
  )
  t.equal((await app.inject({ url: `/api/v1/tasks/${task.id}`, headers: admin })).statusCode, 404)
})

t.test(
  'verifiers that have not heard of the log for too long answer 503, and reading posts goes on',
  async (t) => {
    const headers = bearer(issuer.mint())
    issuer.clock.advance(3000)
    const response = await app.inject({ url: '/api/v1/tasks', headers })
    t.equal(read(response, 503, schemas.problem).code, 'AUTH_REVOCATIONS_STALE')
    t.ok(response.headers['retry-after'])
    t.equal((await app.inject({ url: '/api/v1/posts', headers })).statusCode, 200)
    await issuer.advance(0)
    t.equal((await app.inject({ url: '/api/v1/tasks', headers })).statusCode, 200)
  },
)
