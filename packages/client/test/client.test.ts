import {
  browserStorage,
  createClient,
  memoryStorage,
  ProblemError,
  unwrap,
  type SessionEvent,
  type TokenStorage,
} from '@portcullis/client'
import { getEventListeners } from 'node:events'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { insist } from '../src/insist.ts'

const TOKENS = { access_token: 'old', refresh_token: 'first' }

/** A client whose requests are answered as `answers` says, by path. */
function clientOf(storage: TokenStorage, answers: Readonly<Record<string, () => Response>>) {
  const sent: string[] = []
  const events: SessionEvent[] = []
  const client = createClient({
    url: 'http://localhost',
    storage,
    fetch: async (request) => {
      const path = new URL(request.url).pathname
      sent.push(`${path} ${request.headers.get('authorization') ?? '-'}`)
      return answers[path]?.() ?? new Response(null, { status: 404 })
    },
  })
  client.session.subscribe((event) => events.push(event))
  return { client, sent, events }
}

const refused = () =>
  new Response('{}', {
    status: 401,
    headers: { 'www-authenticate': 'Bearer realm="x", error="invalid_token"' },
  })
const refreshed = () => Response.json({ access_token: 'new', refresh_token: 'second' })

t.test('a token that is refused again and again is tried twice', async (t) => {
  const storage = memoryStorage(TOKENS)
  const { client, sent } = clientOf(storage, { '/api/v1/tasks': refused, '/api/v1/refresh': refreshed })
  t.equal((await client.content.GET('/api/v1/tasks')).response.status, 401)
  t.strictSame(sent, ['/api/v1/tasks Bearer old', '/api/v1/refresh -', '/api/v1/tasks Bearer new'])
  t.strictSame(await storage.read(), { access_token: 'new', refresh_token: 'second' })
})

t.test('an answer of auth that it cannot refresh now is the answer, and the tokens are kept', async (t) => {
  const storage = memoryStorage(TOKENS)
  const busy = () => Response.json({}, { status: 429, headers: { 'retry-after': '7' } })
  const { client, events } = clientOf(storage, { '/api/v1/tasks': refused, '/api/v1/refresh': busy })
  const failure = await unwrap(client.content.GET('/api/v1/tasks')).catch((error: unknown) => error)
  t.ok(failure instanceof ProblemError)
  t.match(failure, { status: 429, code: 'HTTP_429', retryAfterSeconds: 7 })
  t.strictSame(await storage.read(), TOKENS)
  t.strictSame(events, [])
})

t.test('an error of OAuth is thrown with its own code and description', async (t) => {
  const thrownFor = async (body: object) => {
    const answer = () => Response.json(body, { status: 401, headers: { 'x-request-id': 'r1' } })
    const { client } = clientOf(memoryStorage(), { '/oauth/token': answer })
    const grant = { grant_type: 'client_credentials', client_id: 'a', client_secret: 'wrong' } as const
    return unwrap(client.auth.POST('/oauth/token', { body: grant })).catch((error: unknown) => error)
  }
  const described = await thrownFor({ error: 'invalid_client', error_description: 'Wrong secret' })
  t.ok(described instanceof ProblemError)
  t.match(described, { code: 'invalid_client', status: 401, message: 'Wrong secret' })
  t.match(described, { problem: { detail: 'Wrong secret', instance: 'r1' } })
  const bare = await thrownFor({ error: 'invalid_client' })
  t.match(bare, { code: 'invalid_client', problem: { detail: undefined } })
  t.match(await thrownFor({ error: { message: 'of a gateway' } }), { code: 'HTTP_401' })
})

t.test('an Authorization header of the caller is sent as it is', async (t) => {
  const { client, sent } = clientOf(memoryStorage(TOKENS), { '/own': refused })
  const headers = { authorization: 'Bearer mine' }
  t.equal((await client.fetch('http://localhost/own', { headers })).status, 401)
  t.strictSame(sent, ['/own Bearer mine'])
})

const unavailable = () => new Response(null, { status: 503, headers: { 'retry-after': '2' } })
const unreachable = () => {
  throw new TypeError('fetch failed')
}

/** What a call rejects with, if it does so long before it would be repeated. */
const soon = (call: Promise<unknown>) =>
  Promise.race([call, sleep(1000, 'late', { ref: false })]).catch((error: unknown) => error)
const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

t.test('a creation that waits to be repeated is over when its signal aborts', async (t) => {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  const cases = [
    { storage: memoryStorage(), first: unavailable, attempts: 1 },
    { storage: memoryStorage(TOKENS), first: unavailable, attempts: 1 },
    { storage: memoryStorage(TOKENS), first: refused, attempts: 2 },
  ]
  for (const { storage, first, attempts } of cases) {
    const answers = [first]
    const { client, sent } = clientOf(storage, {
      '/api/v1/tasks': () => (answers.shift() ?? unavailable)(),
      '/api/v1/refresh': refreshed,
    })
    const controller = new AbortController()
    const { signal } = controller
    const before = timers()
    const call = client.content.POST('/api/v1/tasks', { body: { title: 'Water the plants' }, signal })
    while (timers() === before) await nextTurn()
    // In Node the copy of a request follows the signal only until it is collected.
    collectGarbage()
    const reason = new Error('the page has been left')
    controller.abort(reason)
    t.equal(await soon(call), reason)
    t.equal(sent.filter((line) => line.startsWith('/api/v1/tasks')).length, attempts, 'it is not sent again')
  }
})

t.test('a wait that is over, or was aborted, leaves no listener and no timer', async (t) => {
  const before = timers()
  for (const answer of [unavailable, unreachable]) {
    const controller = new AbortController()
    const { signal } = controller
    const call = insist(async () => answer(), signal)
    while (timers() === before) await nextTurn()
    const reason = new Error('enough')
    controller.abort(reason)
    t.equal(await soon(call), reason)
    t.strictSame(getEventListeners(signal, 'abort'), [])
    t.equal(timers(), before)
  }
  const { signal } = new AbortController()
  const answers = [unreachable, () => new Response()]
  const response = await insist(async () => (answers.shift() ?? unreachable)(), signal)
  t.equal(response.status, 200)
  t.strictSame(getEventListeners(signal, 'abort'), [])
  t.equal(timers(), before)
})

t.test('a session can be forgotten without auth', async (t) => {
  const { client, sent, events } = clientOf(memoryStorage(TOKENS), {})
  await client.session.forget()
  await client.session.forget()
  t.notOk(await client.session.isSignedIn())
  t.strictSame(sent, [])
  t.strictSame(events, [{ type: 'signed-out', elsewhere: false }])
})

t.test('a client without a URL is refused, and told what is missing', (t) => {
  // @ts-expect-error -- as from JavaScript, or out of an environment
  t.throws(() => createClient({}), { name: 'TypeError', message: /^url/ })
  t.end()
})

const storeOf = (text: string | null) => ({ getItem: () => text, setItem: () => {}, removeItem: () => {} })

t.test('what is in localStorage and no pair of tokens counts as none', async (t) => {
  for (const text of [
    null,
    '',
    'null',
    '[]',
    '{"access_token":1,"refresh_token":"x"}',
    '{"access_token":"x"}',
  ]) {
    const storage = browserStorage({ store: storeOf(text), events: undefined, locks: undefined })
    t.equal(await storage.read(), undefined, String(text))
  }
})

t.test('where there is no localStorage it is said at once, and what to give instead', async (t) => {
  t.throws(() => browserStorage(), {
    name: 'TypeError',
    message: /localStorage.*\bstore\b.*memoryStorage\(\)/,
  })
  t.doesNotThrow(() => browserStorage({ store: storeOf(null) }))
})

t.test('a lock that is not to be had is done without', async (t) => {
  const locks = { request: () => Promise.reject(new DOMException('too long', 'TimeoutError')) }
  const storage = browserStorage({ store: storeOf(null), events: undefined, locks })
  t.equal(await storage.exclusively?.(async () => 'done'), 'done')
})

t.test('work that fails while it has the lock is not done again', async (t) => {
  const storage = browserStorage({ store: storeOf(null), events: undefined, locks: navigator.locks })
  let times = 0
  const work = async () => {
    times += 1
    throw new Error('no')
  }
  await t.rejects(storage.exclusively?.(work) ?? Promise.resolve(), { message: 'no' })
  t.equal(times, 1)
})
