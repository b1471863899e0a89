import {
  createClient,
  memoryStorage,
  ProblemError,
  revocationOf,
  unwrap,
  type SessionEvent,
} from '@portcullis/client'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startPair } from '../test/support/pair.ts'
import { PASSWORD, signIn, spoilAccess, Wire } from '../test/support/tabs.ts'

const TASKS = 'GET /api/v1/tasks'
const REFRESH = 'POST /api/v1/refresh'

const pair = await startPair(t, { auth: { RATE_LIMIT_MAX: '0' }, content: { RATE_LIMIT_MAX: '0' } })
const { authUrl: url, contentUrl } = pair

/** A client of its own, on a wire of its own. */
function newClient() {
  const wire = new Wire()
  const storage = memoryStorage()
  const client = createClient({ url, contentUrl, storage, fetch: wire.fetch })
  const events: SessionEvent[] = []
  client.session.subscribe((event) => events.push(event))
  return { client, wire, storage, events }
}

const title = (name: string) => ({ body: { title: name } })

t.test('a user does everything with one client, and it follows the tokens by itself', async (t) => {
  const { client, storage, events } = newClient()
  const { auth, content, session } = client
  const username = await signIn(client)
  const post = await unwrap(content.POST('/api/v1/posts', { body: { title: 'Hello', description: 'there' } }))
  t.equal(post.author.username, username)
  const task = await unwrap(content.POST('/api/v1/tasks', title('Water the plants')))
  const path = { id: task.id }
  t.equal((await unwrap(content.GET('/api/v1/tasks/{id}', { params: { path } }))).title, 'Water the plants')

  const first = await storage.read()
  const { user } = await unwrap(auth.PATCH('/api/v1/users/me', { body: { full_name: 'Ada' } }))
  t.equal(user.full_name, 'Ada')
  const second = await storage.read()
  t.not(second?.access_token, first?.access_token)
  const passwords = { current_password: PASSWORD, new_password: `${PASSWORD}!` }
  await unwrap(auth.PUT('/api/v1/users/me/password', { body: passwords }))
  t.not((await storage.read())?.access_token, second?.access_token)
  t.equal((await unwrap(content.GET('/api/v1/tasks'))).items.length, 1)
  const own = await client.fetch(`${contentUrl}/api/v1/tasks`)
  t.equal(own.status, 200, 'a plain fetch carries the token, too')

  const logout = await auth.POST('/api/v1/logout')
  t.match(revocationOf(logout.response), { position: /^\d+-\d+$/, pending: 0 })
  t.notOk(await session.isSignedIn())
  t.strictSame(
    events.map(({ type }) => type),
    ['signed-in', 'refreshed', 'refreshed', 'signed-out'],
  )
})

t.test('an error is thrown with its code and the field at fault', async (t) => {
  const { client } = newClient()
  const username = await signIn(client)
  const signup = (body: { username: string; password: string }) =>
    unwrap(client.auth.POST('/api/v1/signup', { body })).then(
      () => undefined,
      (error: unknown) => error,
    )
  const taken = await signup({ username, password: PASSWORD })
  t.ok(taken instanceof ProblemError)
  t.match(taken, { status: 409, code: 'AUTH_USERNAME_TAKEN', message: 'The username is taken' })
  const short = await signup({ username: 'x', password: PASSWORD })
  if (!(short instanceof ProblemError)) throw new Error('no problem')
  t.equal(short.code, 'REQUEST_INVALID')
  t.equal(short.errorOf('/username')?.pointer, '/username')
  t.equal(short.errorOf('/password'), undefined)
})

t.test('however many calls find the token refused, one refresh is asked for and all succeed', async (t) => {
  const { client, wire, storage } = newClient()
  await signIn(client)
  await spoilAccess(storage)
  const answers = await Promise.all(Array.from({ length: 50 }, () => client.content.GET('/api/v1/tasks')))
  t.ok(answers.every(({ response }) => response.status === 200))
  t.equal(wire.count(REFRESH), 1)
  t.equal(wire.count(TASKS), 100)
})

t.test('the endpoints of OAuth take what the client sends them', async (t) => {
  const { client, storage } = newClient()
  await signIn(client)
  const credentials = {
    client_id: 'gateway',
    client_secret: await pair.newClient('gateway', 'tokens:introspect'),
  }
  const grant = { ...credentials, grant_type: 'client_credentials', scope: 'tokens:introspect' }
  const issued = await unwrap(client.auth.POST('/oauth/token', { body: grant }))
  t.match(issued, { token_type: 'Bearer', access_token: String, scope: 'tokens:introspect' })

  const token = (await storage.read())?.access_token ?? ''
  const introspect = () => unwrap(client.auth.POST('/oauth/introspect', { body: { ...credentials, token } }))
  t.match(await introspect(), { active: true, client_id: 'portcullis' })
  await unwrap(client.auth.POST('/oauth/revoke', { body: { client_id: 'portcullis', token } }))
  t.strictSame(await introspect(), { active: false })

  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const own = await client.auth.POST('/oauth/token', { body: grant, headers })
  t.equal(own.response.status, 200, 'a caller may name the type of the body, too')
})

t.test('a session that has ended elsewhere is asked for once, and then there is none', async (t) => {
  const { client, wire, storage, events } = newClient()
  await signIn(client)
  const other = createClient({ url, storage: memoryStorage(await storage.read()) })
  await unwrap(other.auth.POST('/api/v1/logout'))

  const { response, error } = await client.content.GET('/api/v1/tasks')
  t.equal(response.status, 401)
  t.match(error, { code: 'AUTH_TOKEN_INVALID' })
  t.equal(wire.count(TASKS), 1)
  t.equal(wire.count(REFRESH), 1)
  t.match(events.at(-1), { type: 'signed-out', elsewhere: false, problem: { code: 'AUTH_REFRESH_INVALID' } })
  t.notOk(await client.session.isSignedIn())
})

t.test('a wrong password asks for no refresh and ends no session', async (t) => {
  const { client, wire } = newClient()
  const username = await signIn(client)
  const body = { username, password: 'not the password at all' }
  t.equal((await client.auth.POST('/api/v1/login', { body })).response.status, 401)
  t.equal(wire.count(REFRESH), 0)
  t.ok(await client.session.isSignedIn())
})

t.test('a refresh whose answer is lost is asked for again, and the session lives', async (t) => {
  const { client, wire, storage } = newClient()
  await signIn(client)
  await spoilAccess(storage)
  wire.lose(REFRESH, 2)
  await unwrap(client.content.GET('/api/v1/tasks'))
  t.equal(wire.count(REFRESH), 3)
  await spoilAccess(storage)
  await unwrap(client.content.GET('/api/v1/tasks'))
})

t.test('a creation whose answer is lost is asked for again with its key, and made once', async (t) => {
  const { client, wire, storage } = newClient()
  wire.lose('POST /api/v1/signup')
  wire.lose('POST /api/v1/tasks')
  await signIn(client)
  // The key is the same after a refresh, too.
  await spoilAccess(storage)
  await unwrap(client.content.POST('/api/v1/tasks', title('once')))
  t.equal((await unwrap(client.content.GET('/api/v1/tasks'))).items.length, 1)
  t.equal(wire.count('POST /api/v1/signup'), 2)
  t.equal(wire.count('POST /api/v1/tasks'), 3)
})

t.test('a change whose answer is lost is not repeated by itself', async (t) => {
  const { client, wire } = newClient()
  await signIn(client)
  wire.lose('PATCH /api/v1/users/me')
  await t.rejects(client.auth.PATCH('/api/v1/users/me', { body: { full_name: 'Ada' } }), TypeError)
  t.equal(wire.count('PATCH /api/v1/users/me'), 1)
  await unwrap(client.auth.GET('/api/v1/users/me'))
})

t.test('a session lives on a machine whose clock is ten years off', async (t) => {
  const now = Date.now
  t.teardown(() => (Date.now = now))
  for (const years of [10, -10]) {
    Date.now = () => now() + years * 31_557_600_000
    const { client, wire, storage } = newClient()
    await signIn(client)
    await unwrap(client.content.GET('/api/v1/tasks'))
    t.equal(wire.count(REFRESH), 0)
    await spoilAccess(storage)
    await unwrap(client.content.GET('/api/v1/tasks'))
    t.equal(wire.count(REFRESH), 1)
  }
})

t.test('a logout that a verifier has not confirmed tells how many are pending', async (t) => {
  const { client } = newClient()
  await signIn(client)
  pair.content.kill('SIGSTOP')
  t.teardown(() => pair.content.kill('SIGCONT'))
  const { response } = await client.auth.POST('/api/v1/logout')
  t.equal(response.status, 202)
  t.equal(revocationOf(response)?.pending, 1)
  t.notOk(await client.session.isSignedIn())
})

/** After a standstill content hears of the log again before it takes tokens. */
async function untilContentServes(): Promise<void> {
  while (!(await fetch(`${contentUrl}/health/ready`)).ok) await sleep(20)
}

t.test('while auth is away nobody is signed out, and it goes on when it is back', async (t) => {
  await untilContentServes()
  const { client, storage } = newClient()
  await signIn(client)
  await spoilAccess(storage)
  pair.auth.kill('SIGSTOP')
  t.teardown(() => pair.auth.kill('SIGCONT'))
  const signal = AbortSignal.timeout(200)
  await t.rejects(client.content.GET('/api/v1/tasks', { signal }), { name: 'TimeoutError' })
  pair.auth.kill('SIGCONT')
  t.ok(await client.session.isSignedIn())
  await unwrap(client.auth.GET('/api/v1/users/me'))
})
