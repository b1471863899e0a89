import { once } from 'node:events'
import { createServer } from 'node:http'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createClient, memoryStorage, type PortcullisClient } from '@portcullis/client'
import t from 'tap'

const STALE = { access_token: 'stale', refresh_token: 'first' }
const FRESH = { access_token: 'fresh', refresh_token: 'second' }
const TASKS = '/api/v1/tasks'
const REASON = new Error('the page has been left')

/** Tells that a request has come to where it hangs. */
let begun = Promise.withResolvers<void>()
/** How many of the next refreshes begin an answer and never end it, or never begin one. */
let unfinished = 0
let unanswered = 0

const server = createServer((request, response) => {
  const json = (status: number, body: object, headers = {}) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  if (request.url === '/api/v1/refresh') {
    if (unanswered-- > 0) return begun.resolve()
    if (unfinished-- > 0) return void response.write('{', () => begun.resolve())
    return json(200, FRESH)
  }
  if (request.headers.authorization === 'Bearer stale')
    return json(401, {}, { 'www-authenticate': 'Bearer error="invalid_token"' })
  if (request.url === '/referrer') return json(200, { referrer: request.headers.referer })
  if (request.url === '/quick') return json(200, {})
  if (request.headers['x-want'] === 'stream') return void response.write('x')
  begun.resolve()
})
await once(server.listen(0, '127.0.0.1'), 'listening')
const address = server.address()
if (address === null || typeof address === 'string') throw new Error('no port')
const url = `http://127.0.0.1:${address.port}`
t.teardown(() => {
  server.closeAllConnections()
  server.close()
})

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** What is held weakly alone is gone after this. */
async function collect(): Promise<void> {
  for (let times = 0; times < 3; times += 1) {
    collectGarbage()
    await nextTurn()
  }
}

type Call = (client: PortcullisClient, signal: AbortSignal) => Promise<unknown>

/** What a call rejects with that is aborted after a garbage collection. */
async function outcomeOf(call: Call, client: PortcullisClient): Promise<unknown> {
  begun = Promise.withResolvers()
  const controller = new AbortController()
  const outcome = call(client, controller.signal).catch((error: unknown) => error)
  await begun.promise
  await collect()
  controller.abort(REASON)
  return Promise.race([outcome, sleep(1000, 'late', { ref: false })])
}

const clients = {
  nobody: () => createClient({ url }),
  'a good token': () => createClient({ url, storage: memoryStorage(FRESH) }),
  'a refused token': () => createClient({ url, storage: memoryStorage(STALE) }),
}

t.test('a call ends when its signal aborts, even after a garbage collection', async (t) => {
  const passwords = { current_password: 'old password', new_password: 'new password' }
  const grant = { grant_type: 'client_credentials', client_id: 'a', client_secret: 'b' } as const
  const headers = { 'idempotency-key': 'k' }
  const calls: Readonly<Record<string, Call>> = {
    'fetch of a URL': (client, signal) => client.fetch(url, { signal }),
    'fetch of a Request': (client, signal) => client.fetch(new Request(url, { signal })),
    'fetch of a Request with options': (client, signal) =>
      client.fetch(new Request(url, { signal }), { method: 'PUT' }),
    'fetch that may be repeated': (client, signal) => client.fetch(url, { method: 'POST', headers, signal }),
    'a call of content': ({ content }, signal) => content.GET(TASKS, { signal }),
    'a creation': ({ content }, signal) => content.POST(TASKS, { body: { title: 'x' }, signal }),
    'a call whose answer is followed': ({ auth }, signal) =>
      auth.PUT('/api/v1/users/me/password', { body: passwords, signal }),
    'a form': ({ auth }, signal) => auth.POST('/oauth/token', { body: grant, signal }),
  }
  for (const [who, newClient] of Object.entries(clients))
    for (const [name, call] of Object.entries(calls))
      t.equal(await outcomeOf(call, newClient()), REASON, `${name}, with ${who}`)
})

t.test('a streamed answer ends when the signal aborts, even after a garbage collection', async (t) => {
  const headers = { 'x-want': 'stream' }
  const read = async (body: AsyncIterable<unknown> | null | undefined) => {
    for await (const _ of body ?? []) begun.resolve()
  }
  const calls: Readonly<Record<string, Call>> = {
    'fetch of a URL': async (client, signal) => read((await client.fetch(url, { headers, signal })).body),
    'fetch of a Request': async (client, signal) =>
      read((await client.fetch(new Request(url, { headers, signal }))).body),
    'a call of content': async ({ content }, signal) =>
      read((await content.GET(TASKS, { parseAs: 'stream', headers, signal })).data),
  }
  for (const [who, newClient] of Object.entries(clients))
    for (const [name, call] of Object.entries(calls))
      t.equal(await outcomeOf(call, newClient()), REASON, `${name}, with ${who}`)
})

t.test('a refresh that hangs is asked for again in time, even after a garbage collection', async (t) => {
  const ask = async () => {
    begun = Promise.withResolvers()
    const call = clients['a refused token']().fetch(`${url}/quick`)
    await begun.promise
    await collect()
    return Promise.race([call.then(({ status }) => status), sleep(6000, 'late', { ref: false })])
  }
  unanswered = 1
  t.equal(await ask(), 200, 'no answer')
  unanswered = 0
  unfinished = 1
  t.equal(await ask(), 200, 'the beginning of one')
})

t.test('a signal that a caller takes away from a Request ends nothing', async (t) => {
  const signal = AbortSignal.abort(REASON)
  const client = clients.nobody()
  const request = new Request(`${url}/quick`, { signal })
  await t.rejects(client.fetch(request), REASON)
  t.equal((await client.fetch(request, { signal: null })).status, 200)
})

t.test('the referrer is the one that the caller wants', async (t) => {
  const client = clients['a good token']()
  const referrer = `${url}/page`
  const sent = async (init: RequestInit) => (await client.fetch(`${url}/referrer`, init)).json()
  t.strictSame(await sent({ referrer }), { referrer })
  t.strictSame(await sent({ referrer, referrerPolicy: 'no-referrer' }), {})
  t.strictSame(await sent({ referrer: '' }), {})
  t.strictSame(await sent({}), {})
})

t.test('a fetch of the application is given the signal of the caller itself', async (t) => {
  const given: unknown[] = []
  const client = createClient({
    url,
    fetch: async (_request, init) => {
      given.push(init?.signal)
      return Response.json({})
    },
  })
  const { signal } = new AbortController()
  await client.fetch(url, { signal })
  t.equal(given[0], signal)
})

const refused = () =>
  Response.json({}, { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })

t.test('a call that is aborted when its token is refused asks for no refresh', async (t) => {
  const sent: string[] = []
  const controller = new AbortController()
  const reason = new Error('the page has been left')
  const client = createClient({
    url: 'http://localhost',
    storage: memoryStorage(STALE),
    fetch: async (request) => {
      sent.push(new URL(request.url).pathname)
      if (request.url.endsWith('/refresh')) throw new TypeError('fetch failed')
      controller.abort(reason)
      return refused()
    },
  })
  await t.rejects(client.fetch('http://localhost/own', { signal: controller.signal }), reason)
  // Long enough for a refresh to be asked for. Nobody would hold it, and its failure would end the process.
  for (let turns = 0; turns < 20; turns += 1) await nextTurn()
  t.strictSame(sent, ['/own'])
})
