import { mock } from 'node:test'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import {
  browserStorage,
  createClient,
  memoryStorage,
  type SessionEvent,
  type TokenStorage,
} from '@portcullis/client'
import t from 'tap'

const OLD = { access_token: 'old', refresh_token: 'first' }
const NEW = { access_token: 'new', refresh_token: 'second' }
const PASSWORDS = { current_password: 'old password', new_password: 'new password' }
const REFRESH = '/api/v1/refresh'
const PASSWORD = '/api/v1/users/me/password'
const LOGOUT = '/api/v1/logout'
const ACCOUNT = '/api/v1/users/me'
const TASKS = '/api/v1/tasks'

const refused = () =>
  Response.json({}, { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })
const noRefresh = () =>
  Response.json({ code: 'AUTH_REFRESH_INVALID', title: 'Invalid', status: 401 }, { status: 401 })
const changed = () => Response.json(NEW)
const ended = () => Response.json({})

/** A server that has ended the session of the old tokens, and answers when it is told to. */
class Server {
  readonly #waiting = new Map<string, PromiseWithResolvers<Response>>()
  readonly #arrivals = new Map<string, PromiseWithResolvers<void>>()

  readonly fetch = async (request: Request): Promise<Response> => {
    const pathname = new URL(request.url).pathname.replace(/^\/base/, '')
    this.#arrival(pathname).resolve()
    const held = this.#waiting.get(pathname)
    if (held !== undefined) return held.promise
    if (pathname === REFRESH) return noRefresh()
    return request.headers.get('authorization') === 'Bearer new' ? Response.json({}) : refused()
  }

  hold(path: string): PromiseWithResolvers<Response> {
    const held = Promise.withResolvers<Response>()
    this.#waiting.set(path, held)
    return held
  }

  arrived(path: string): Promise<void> {
    return this.#arrival(path).promise
  }

  #arrival(path: string): PromiseWithResolvers<void> {
    const arrival = this.#arrivals.get(path) ?? Promise.withResolvers<void>()
    this.#arrivals.set(path, arrival)
    return arrival
  }
}

function clientOf(server: Server, storage: TokenStorage = memoryStorage(OLD)) {
  const { fetch } = server
  const client = createClient({ url: 'http://localhost/base/', storage, fetch })
  const events: SessionEvent[] = []
  client.session.subscribe((event) => events.push(event))
  const tasks = async () => (await client.content.GET(TASKS)).response.status
  const changePassword = () => client.auth.PUT(PASSWORD, { body: PASSWORDS })
  return { client, storage, events, tasks, changePassword }
}

/** Until the refused call has an answer, which without a change under way it has by then; it is to wait for that. */
const untilAnswered = (call: Promise<unknown>) => Promise.race([call, sleep(100)])

t.test('a refresh that fails before a password change is answered does not end the session', async (t) => {
  const server = new Server()
  const { storage, events, tasks, changePassword } = clientOf(server)
  const answer = server.hold(PASSWORD)
  const change = changePassword()
  await server.arrived(PASSWORD)
  const call = tasks()
  await untilAnswered(call)
  answer.resolve(changed())
  t.equal((await change).response.status, 200)
  t.equal(await call, 200, 'it is sent again with the new token')
  t.strictSame(await storage.read(), NEW)
  t.strictSame(events, [{ type: 'refreshed', elsewhere: false }])
})

t.test('a refresh that fails before a logout is answered leaves it an end on purpose', async (t) => {
  for (const path of [LOGOUT, '/api/v1/logout_all', ACCOUNT] as const) {
    const server = new Server()
    const { client, storage, events, tasks } = clientOf(server)
    const answer = server.hold(path)
    const end = path === ACCOUNT ? client.auth.DELETE(path) : client.auth.POST(path)
    await server.arrived(path)
    const call = tasks()
    await untilAnswered(call)
    answer.resolve(ended())
    await end
    t.equal(await call, 401)
    t.equal(await storage.read(), undefined)
    t.strictSame(events, [{ type: 'signed-out', elsewhere: false }])
  }
})

t.test('a change that fails leaves the end of the session to the refresh', async (t) => {
  const server = new Server()
  const { events, tasks, changePassword } = clientOf(server)
  const answer = server.hold(PASSWORD)
  const change = changePassword()
  await server.arrived(PASSWORD)
  const call = tasks()
  await untilAnswered(call)
  answer.reject(new TypeError('fetch failed'))
  await t.rejects(change, TypeError)
  t.equal(await call, 401)
  t.match(events, [{ type: 'signed-out', problem: { code: 'AUTH_REFRESH_INVALID' } }])
})

t.test('a change that is never answered is not waited for for ever', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const server = new Server()
  const { events, tasks, changePassword } = clientOf(server)
  const answer = server.hold(PASSWORD)
  const change = changePassword()
  await server.arrived(PASSWORD)
  const call = tasks()
  while (events.length === 0) {
    await nextTurn()
    mock.timers.tick(1000)
  }
  t.equal(await call, 401)
  t.match(events, [{ type: 'signed-out', problem: { code: 'AUTH_REFRESH_INVALID' } }])
  answer.resolve(changed())
  await change
})

t.test('a change that is itself refused does not wait for itself', async (t) => {
  const server = new Server()
  const { client, events, changePassword } = clientOf(server)
  t.match(await Promise.race([changePassword(), sleep(1000)]), { response: { status: 401 } })
  t.match(events, [{ type: 'signed-out', problem: { code: 'AUTH_REFRESH_INVALID' } }])
  t.notOk(await client.session.isSignedIn())
})

t.test('a logout that is refused while the password changes is sent again with the new token', async (t) => {
  const server = new Server()
  const { client, storage, events, changePassword } = clientOf(server)
  const answer = server.hold(PASSWORD)
  const change = changePassword()
  await server.arrived(PASSWORD)
  const logout = client.auth.POST(LOGOUT)
  await untilAnswered(logout)
  answer.resolve(changed())
  await change
  t.equal((await logout).response.status, 200)
  t.equal(await storage.read(), undefined)
  t.strictSame(events, [
    { type: 'refreshed', elsewhere: false },
    { type: 'signed-out', elsewhere: false },
  ])
})

/** What tabs share that have Web Locks. */
function tabs() {
  const items = new Map([['tabs', JSON.stringify(OLD)]])
  const store = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  }
  return () => browserStorage({ key: 'tabs', store, events: undefined, locks: navigator.locks })
}

t.test('another tab waits with its refresh for a password change, too', async (t) => {
  const open = tabs()
  const server = new Server()
  const [one, other] = [clientOf(server, open()), clientOf(server, open())]
  const answer = server.hold(PASSWORD)
  const change = one.changePassword()
  await server.arrived(PASSWORD)
  const call = other.tasks()
  await untilAnswered(call)
  answer.resolve(changed())
  await change
  t.equal(await call, 200)
  t.strictSame(await other.storage.read(), NEW)
})

t.test('another tab whose refresh was on its way waits before it ends the session', async (t) => {
  const open = tabs()
  const server = new Server()
  const [one, other] = [clientOf(server, open()), clientOf(server, open())]
  const refresh = server.hold(REFRESH)
  const answer = server.hold(PASSWORD)
  const call = other.tasks()
  await server.arrived(REFRESH)
  const change = one.changePassword()
  await server.arrived(PASSWORD)
  refresh.resolve(noRefresh())
  await untilAnswered(call)
  answer.resolve(changed())
  await change
  t.equal(await call, 200)
  t.strictSame(await other.storage.read(), NEW)
})

t.test('the tokens in the answer to a call with a fetch of its own are kept', async (t) => {
  const { client, storage, events } = clientOf(new Server())
  await client.auth.PUT(PASSWORD, { body: PASSWORDS, fetch: async () => changed() })
  t.strictSame(await storage.read(), NEW)
  t.strictSame(events, [{ type: 'refreshed', elsewhere: false }])
})

/** Tokens as auth issues them, as far as the client reads them. */
const tokens = (sub: string, sid: string, n = 1) => ({
  access_token: `h.${Buffer.from(JSON.stringify({ sub, sid, n })).toString('base64url')}.s`,
  refresh_token: `${sid}-${n}`,
})

t.test('a late answer changes nothing for who has logged in meanwhile', async (t) => {
  const late = [
    [LOGOUT, ended()],
    ['/api/v1/logout_all', ended()],
    [ACCOUNT, Response.json(tokens('one', 's1', 2))],
    [PASSWORD, Response.json(tokens('one', 's2'))],
  ] as const
  for (const [path, response] of late)
    for (const next of [tokens('two', 's3'), tokens('one', 's3')]) {
      const server = new Server()
      const { client, storage, events } = clientOf(server, memoryStorage(tokens('one', 's1')))
      const answer = server.hold(path)
      const call =
        path === ACCOUNT
          ? client.auth.PATCH(path, { body: { full_name: 'One' } })
          : path === PASSWORD
            ? client.auth.PUT(path, { body: PASSWORDS })
            : client.auth.POST(path)
      await server.arrived(path)
      await storage.write(next)
      answer.resolve(response.clone())
      t.equal((await call).response.status, 200, path)
      t.strictSame(await storage.read(), next, path)
      t.strictSame(events, [])
    }
})

t.test('a late answer counts for a session that has been refreshed meanwhile', async (t) => {
  for (const path of [LOGOUT, PASSWORD] as const) {
    const server = new Server()
    const { client, storage } = clientOf(server, memoryStorage(tokens('one', 's1')))
    const answer = server.hold(path)
    const call = path === PASSWORD ? client.auth.PUT(path, { body: PASSWORDS }) : client.auth.POST(path)
    await server.arrived(path)
    await storage.write(tokens('one', 's1', 2))
    answer.resolve(Response.json(tokens('one', 's2')))
    await call
    t.strictSame(await storage.read(), path === PASSWORD ? tokens('one', 's2') : undefined)
  }
})
