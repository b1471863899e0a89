import { METHODS, request as httpRequest } from 'node:http'
import t from 'tap'
import { startAuth } from './support/auth.ts'
import { newClient } from './support/client.ts'

t.test('verify', async (t) => {
  const auth = await startAuth(t, { RATE_LIMIT_MAX: '5', CORS_ORIGINS: 'https://app.test' })
  const login = async (roles: string[]) => {
    const user = await auth.newUser({ roles })
    return { ...user, ...(await auth.login(user)) }
  }
  // Signups and logins are counted, so these come from addresses of their own in what follows.
  const user = await login(['user', 'moderator'])
  const verify = (options: Parameters<typeof auth.call>[2] & { path?: string; method?: string } = {}) =>
    auth.call(options.method ?? 'GET', `/api/v1/verify${options.path ?? ''}`, {
      token: user.access_token,
      ...options,
    })

  await t.test('tells who is calling, in headers that no cache keeps', async (t) => {
    const { status, headers, body } = await verify()
    t.equal(status, 200)
    t.equal(headers['x-user-id'], user.id)
    t.equal(headers['x-user-name'], user.username)
    t.equal(headers['x-user-roles'], 'user,moderator')
    t.match(headers['x-session-id'], /^[0-9a-f-]{36}$/)
    t.equal(headers['cache-control'], 'no-store')
    t.strictSame(body, {
      id: user.id,
      username: user.username,
      roles: ['user', 'moderator'],
      session_id: headers['x-session-id'],
    })
  })

  await t.test('what the client says of itself is no part of the answer', async (t) => {
    const { headers } = await verify({ headers: { 'x-user-id': 'root', 'x-user-roles': 'admin' } })
    t.equal(headers['x-user-id'], user.id)
    t.equal(headers['x-user-roles'], 'user,moderator')
  })

  await t.test('takes any method and any path below, whatever their body and query are', async (t) => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
      for (const path of ['', '/', '/posts/1?limit=x&a=1&a=2', '/a//b/%00'])
        t.equal((await verify({ method, path })).status, 200, `${method} ${path}`)
    for (const type of [
      'application/json',
      'multipart/form-data; boundary=x',
      'text/plain',
      'no type at all',
    ]) {
      const headers = { 'content-type': type, 'content-encoding': 'gzip' }
      t.equal((await verify({ method: 'POST', body: '{not json', headers })).status, 200, type)
    }
  })

  await t.test('takes the methods of others than REST, too, of whom other routes know nothing', async (t) => {
    const address = await auth.app.listen({ host: '127.0.0.1', port: 0 })
    const ask = async (method: string, path: string, authorization: string) =>
      (await fetch(`${address}/api/v1${path}`, { method, headers: { authorization } })).status
    for (const method of METHODS.filter((method) => method !== 'CONNECT' && method !== 'TRACE')) {
      t.equal(await ask(method, '/verify/dav/file', `Bearer ${user.access_token}`), 200, method)
      t.equal(await ask(method, '/verify', 'Bearer a.b.c'), 401, method)
    }
    for (const method of ['PROPFIND', 'QUERY', 'LOCK'])
      t.equal(await ask(method, '/roles', `Bearer ${user.access_token}`), 405, method)
  })

  await t.test('a bad token is a 401 for every method, a preflight too', async (t) => {
    for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE'])
      for (const token of [undefined, 'a.b.c', user.refresh_token]) {
        const { status, headers } = await verify({
          method,
          token,
          path: '/posts',
          headers: { origin: 'https://app.test', 'access-control-request-method': 'GET' },
        })
        t.equal(status, 401, `${method} ${token}`)
        t.equal(headers['cache-control'], 'no-store')
        t.match(headers['www-authenticate'], /^Bearer realm=/)
        t.notOk('x-user-id' in headers)
      }
  })

  await t.test('a role that the user lacks is a 403, wherever it is asked for', async (t) => {
    t.equal((await verify({ path: '?role=moderator' })).status, 200)
    for (const path of ['?role=admin', '/posts?role=admin', '?role=', '?role=%00', '?role=user,moderator']) {
      const { status, headers, body } = await verify({ path })
      t.equal(status, 403, path)
      t.equal(body.code, 'AUTH_FORBIDDEN')
      t.notOk('x-user-id' in headers)
    }
    t.equal((await verify({ path: '?role=user&role=admin' })).status, 400)
  })

  await t.test('the token of a client is a 403', async (t) => {
    const client = await newClient(auth, 'users:changes')
    const { status, body } = await verify({ token: client.token })
    t.equal(status, 403)
    t.equal(body.code, 'AUTH_CLIENT_TOKEN')
  })

  await t.test('is not counted by the limit of requests', async (t) => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => verify()))
    t.ok(answers.every(({ status }) => status === 200))
    t.notOk('ratelimit' in (answers[0]?.headers ?? {}))
  })

  await t.test('a token is refused as soon as its session has ended', async (t) => {
    const other = await login(['user'])
    t.equal((await verify({ token: other.access_token })).status, 200)
    t.equal((await auth.call('POST', '/api/v1/logout', { token: other.access_token })).status, 200)
    t.equal((await verify({ token: other.access_token })).status, 401)
  })

  await t.test('a body that never ends is not waited for', async (t) => {
    const address = auth.app.listeningOrigin
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(`${address}/api/v1/verify/upload`, {
        method: 'POST',
        headers: { authorization: `Bearer ${user.access_token}`, 'content-type': 'application/octet-stream' },
      })
      request.on('response', (response) => {
        resolve(response.statusCode)
        request.destroy()
      })
      request.on('error', reject)
      request.write('x'.repeat(2_000_000))
    })
    t.equal(status, 200)
  })
})
