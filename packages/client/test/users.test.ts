import { setImmediate as nextTurn } from 'node:timers/promises'
import { createClient, memoryStorage } from '@portcullis/client'
import t from 'tap'

const TASKS = '/api/v1/tasks'

/** Tokens as auth issues them, as far as the client reads them. */
const tokens = (sub: string, n: number) => ({
  access_token: `h.${Buffer.from(JSON.stringify({ sub, sid: sub, n })).toString('base64url')}.s`,
  refresh_token: `${sub} ${n}`,
})
const ALICE = tokens('alice', 1)
const BOB = tokens('bob', 1)
/** Whose token is sent, and which one of theirs. */
const NAMES = new Map(
  [ALICE, tokens('alice', 2), BOB, tokens('bob', 2)].map((pair) => [
    `Bearer ${pair.access_token}`,
    pair.refresh_token,
  ]),
)

const refused = () =>
  Response.json({}, { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })

/** What is asked is noted, and answered when it is told to: everybody's first token is refused. */
class Server {
  readonly sent: string[] = []
  readonly #held = new Map<string, PromiseWithResolvers<void>>()
  readonly #arrivals = new Map<string, PromiseWithResolvers<void>>()

  readonly fetch = async (request: Request): Promise<Response> => {
    const isRefresh = request.url.endsWith('/refresh')
    const name = isRefresh
      ? (/"refresh_token":"(.+?)"/.exec(await request.text())?.[1] ?? '')
      : (NAMES.get(request.headers.get('authorization') ?? '') ?? 'nobody')
    const line = `${isRefresh ? 'refresh' : request.method} ${name}`
    this.sent.push(line)
    this.#arrivals.get(line)?.resolve()
    await this.#held.get(line)?.promise
    if (isRefresh) return Response.json(tokens(name.split(' ')[0] ?? '', 2))
    return name.endsWith(' 1') ? refused() : Response.json({})
  }

  /** What is like this line waits until it is released, or gets no answer. */
  hold(line: string) {
    const held = Promise.withResolvers<void>()
    const arrival = Promise.withResolvers<void>()
    this.#held.set(line, held)
    this.#arrivals.set(line, arrival)
    return { arrived: arrival.promise, release: held.resolve, fail: held.reject }
  }
}

/** Long enough for what has been answered to ask for a refresh. */
async function untilAsked(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await nextTurn()
}

t.test('what one user asked for is not sent again with the tokens that another one refreshes', async (t) => {
  const server = new Server()
  const storage = memoryStorage(ALICE)
  const { content } = createClient({ url: 'http://localhost', storage, fetch: server.fetch })
  const slow = server.hold('POST alice 1')
  const post = content.POST(TASKS, { body: { title: 'of Alice' } })
  await slow.arrived

  await storage.write(BOB)
  const refresh = server.hold('refresh bob 1')
  const get = content.GET(TASKS)
  await refresh.arrived
  slow.release()
  await untilAsked()
  refresh.release()

  t.equal((await post).response.status, 401)
  t.equal((await get).response.status, 200)
  t.strictSame(server.sent, ['POST alice 1', 'GET bob 1', 'refresh bob 1', 'GET bob 2'])
  t.strictSame(await storage.read(), tokens('bob', 2))
})

t.test('who logs in while the tokens of another user are refreshed has their own refreshed', async (t) => {
  const server = new Server()
  const storage = memoryStorage(ALICE)
  const { content } = createClient({ url: 'http://localhost', storage, fetch: server.fetch })
  const refresh = server.hold('refresh alice 1')
  const before = content.GET(TASKS)
  await refresh.arrived

  await storage.write(BOB)
  const calls = [content.GET(TASKS), content.GET(TASKS)]
  await untilAsked()
  refresh.release()

  t.equal((await before).response.status, 401)
  for (const { response } of await Promise.all(calls)) t.equal(response.status, 200)
  t.strictSame(
    server.sent.filter((line) => line.startsWith('refresh')),
    ['refresh alice 1', 'refresh bob 1'],
    'once for both calls',
  )
  t.strictSame(await storage.read(), tokens('bob', 2))
})

t.test('a refresh of another user that fails is not the failure of who has logged in', async (t) => {
  const server = new Server()
  const storage = memoryStorage(ALICE)
  const { content } = createClient({ url: 'http://localhost', storage, fetch: server.fetch })
  const refresh = server.hold('refresh alice 1')
  const before = content.GET(TASKS)
  await refresh.arrived
  await storage.write(BOB)
  const call = content.GET(TASKS)
  await untilAsked()
  refresh.fail(new TypeError('fetch failed'))
  await t.rejects(before, TypeError)
  t.equal((await call).response.status, 200)
})
