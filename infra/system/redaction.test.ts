import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { startPair } from '../test/support/pair.ts'

const log = join(t.testdir(), 'services.log')
const pair = await startPair(t, {
  auth: { LOG_LEVEL: 'trace', ...cheapHashing(), RATE_LIMIT_MAX: '0' },
  content: { LOG_LEVEL: 'trace', RATE_LIMIT_MAX: '0' },
  log,
})

function cheapHashing() {
  return { ARGON2_MEMORY_KIB: '8', ARGON2_TIME_COST: '1', LOGIN_THROTTLE: 'off' }
}

const random = (name: string) => `${name}-${randomBytes(9).toString('hex')}`
/** What must stand in no line; the names tell what was found. */
const secrets = new Map<string, string>()
const keep = (name: string, value: string) => {
  secrets.set(value, name)
  return value
}

const Strings = Compile(Type.Record(Type.String(), Type.Unknown()))

/** An overloaded machine answers late, with 503: that is not what is looked at here. */
async function fetchPatiently(url: string, init: RequestInit): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(url, init)
    if (response.status !== 503 || attempt === 5) return response
    await sleep(1000)
  }
}

async function call(
  method: string,
  path: string,
  { token, body, headers = {} }: { token?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; answer: Record<string, unknown> }> {
  const response = await fetchPatiently(`${pair.origin}${path}`, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body !== undefined && method !== 'GET' && method !== 'HEAD' && { body }),
  })
  const text = await response.text()
  const answer: unknown = /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : {}
  if (!Strings.Check(answer)) return { status: response.status, answer: {} }
  for (const name of ['access_token', 'refresh_token', 'client_secret']) {
    const value = answer[name]
    if (typeof value === 'string') keep(name, value)
  }
  return { status: response.status, answer }
}

const username = random('user')
const password = keep('password', random('password'))
const email = keep('email', `${random('mail')}@example.org`)
const json = (value: object) => JSON.stringify(value)

async function login(): Promise<{ access: string; refresh: string }> {
  const { status, answer } = await call('POST', '/api/v1/login', { body: json({ username, password }) })
  if (status !== 200) throw new Error(`login answered ${status}`)
  return { access: String(answer['access_token']), refresh: String(answer['refresh_token']) }
}

async function makeAdmin(): Promise<void> {
  const client = new pg.Client({ connectionString: pair.databases.auth })
  await client.connect()
  await client.query(`update users set roles = '{user,admin}' where username = $1`, [username])
  await client.end()
}

/** Paths and methods of both services, with something in the place of each parameter. */
async function operations(): Promise<[method: string, path: string][]> {
  const { answer } = await call('GET', '/openapi.json')
  return Object.entries(Object(answer['paths'])).flatMap(([path, methods]) =>
    Object.keys(Object(methods)).map((method): [string, string] => [
      method.toUpperCase(),
      path.replaceAll(/\{[^}]*\}/g, '01900000-0000-7000-8000-000000000000'),
    ]),
  )
}

function linesWithSecrets(): string[] {
  const text = readFileSync(log, 'utf8')
  const found = [...secrets]
    .filter(([value]) => text.includes(value))
    .map(([value, name]) => {
      const line = text.split('\n').find((one) => one.includes(value)) ?? ''
      return `${name}: ${line.slice(0, 400)}`
    })
  const shapes = [
    /eyJ[\w-]{8,}\.[\w-]{8,}/,
    /[\w.-]+@example\.org/i,
    /(?:postgres|redis):\/\/[^:/\s]*:[^@\s]+@/,
  ]
  for (const shape of shapes) {
    const line = text.split('\n').find((one) => shape.test(one))
    if (line !== undefined) found.push(`${String(shape)}: ${line.slice(0, 400)}`)
  }
  return found
}

t.test('no password, token or email stands in any line of the log', async (t) => {
  await t.test('of what succeeds', async (t) => {
    t.equal((await call('POST', '/api/v1/signup', { body: json({ username, password, email }) })).status, 201)
    const { refresh } = await login()
    t.equal((await call('POST', '/api/v1/refresh', { body: json({ refresh_token: refresh }) })).status, 200)
    const byHeader = await login()
    t.equal((await call('POST', '/api/v1/refresh', { token: byHeader.refresh })).status, 200)
    const changed = await login()
    const newEmail = keep('email', `${random('other')}@example.org`)
    t.equal(
      (await call('PATCH', '/api/v1/users/me', { token: changed.access, body: json({ email: newEmail }) }))
        .status,
      200,
    )
    const again = await login()
    for (const path of [
      '/api/v1/users/me',
      '/api/v1/users/me/export',
      '/api/v1/users/me/logins',
      '/api/v1/tasks',
    ])
      t.equal((await call('GET', path, { token: again.access })).status, 200, path)
  })

  await t.test('of what registered clients do', async (t) => {
    const secret = keep('client_secret', await pair.newClient('redaction', 'tokens:introspect tokens:revoke'))
    const basic = keep('basic', Buffer.from(`redaction:${secret}`).toString('base64'))
    const { access, refresh } = await login()
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const bodies = [
      ['/oauth/token', `grant_type=client_credentials&client_id=redaction&client_secret=${secret}`],
      ['/oauth/token', `grant_type=refresh_token&refresh_token=${refresh}`],
      ['/oauth/introspect', `token=${access}`],
      ['/oauth/revoke', `token=${refresh}`],
      ['/oauth/revoke', `token=nonsense&token=${access}`],
    ] as const
    for (const [path, body] of bodies)
      for (const headers of [form, { ...form, authorization: `Basic ${basic}` }])
        t.ok((await call('POST', path, { body, headers })).status < 500, path)
  })

  await t.test('of what every route refuses', async (t) => {
    const { access, refresh } = await login()
    const body = json({
      username,
      password,
      email,
      current_password: password,
      new_password: password,
      refresh_token: refresh,
      token: access,
    })
    const all = await operations()
    t.ok(all.length > 40, `${all.length} operations`)
    for (const [method, path] of all) {
      if (method === 'DELETE' && path.endsWith('/users/me')) continue
      const query = `?email=${email}&password=${password}&access_token=${access}`
      const answers = [
        await call(method, path, { body, token: `${access}x` }),
        await call(method, path, { body }),
        await call(method, `${path}${query}`, { body: `{"password":"${password}","email":"${email}"` }),
        await call(method, `${path}${query}`, {
          headers: { authorization: access, cookie: `token=${refresh}` },
        }),
      ]
      for (const { status } of answers) t.ok(status < 500, `${method} ${path}: ${status}`)
    }
  })

  await t.test('of what every route does for an admin', async (t) => {
    await makeAdmin()
    const { access } = await login()
    const body = json({
      email: 'not an email',
      password,
      new_password: password,
      current_password: random('wrong'),
    })
    for (const [method, path] of await operations()) {
      if (method === 'DELETE' && path.endsWith('/users/me')) continue
      if (path.includes('logout')) continue
      t.ok((await call(method, path, { body, token: access })).status < 500, `${method} ${path}`)
    }
  })

  const text = readFileSync(log, 'utf8')
  t.ok(text.split('\n').length > 300, 'the log has lines')
  t.match(text, /"name":"auth"/)
  t.match(text, /"name":"content"/)
  t.strictSame(linesWithSecrets(), [])
  keep('what every line has', '"level":')
  t.equal(linesWithSecrets().length, 1, 'what stands in the log would have been found')
})
