import fastify from 'fastify'
import t from 'tap'
import {
  ClientToken,
  createVerifier,
  jwksKeys,
  systemClock,
  type CreateVerifierOptions,
} from '@portcullis/token-verifier'
import { createGuard } from '@portcullis/token-verifier/express'
import tokenVerifier from '@portcullis/token-verifier/fastify'
import { until } from './support/until.ts'

const feed = { authUrl: 'http://127.0.0.1:1', clientSecret: 'x'.repeat(32) }
const good: CreateVerifierOptions = {
  issuer: 'http://issuer',
  audience: 'api',
  jwksUrl: 'http://127.0.0.1:1/jwks.json',
  clientId: 'orders',
  feed,
}

/** What comes out of an environment in which something is missing or misspelt. */
const WRONG: readonly [named: string, option: object][] = [
  ['issuer', { issuer: undefined }],
  ['audience', { audience: undefined }],
  ['audience', { audience: [] }],
  ['audience', { audience: ['api', undefined] }],
  ['audience', { audience: 5 }],
  ['algorithm', { algorithm: 'HS256' }],
  ['algorithm', { algorithm: ['ES256'] }],
  ['maxLifeSeconds', { maxLifeSeconds: NaN }],
  ['maxLifeSeconds', { maxLifeSeconds: Number(undefined) }],
  ['maxLifeSeconds', { maxLifeSeconds: '15m' }],
  ['maxLifeSeconds', { maxLifeSeconds: 3601 }],
  ['maxStalenessSeconds', { maxStalenessSeconds: NaN }],
  ['boundedStalenessSeconds', { boundedStalenessSeconds: '30' }],
  ['boundedStalenessSeconds must be above', { boundedStalenessSeconds: 2 }],
  ['boundedStalenessSeconds must be above', { boundedStalenessSeconds: 1 }],
  ['boundedStalenessSeconds must be above', { boundedStalenessSeconds: 30, maxStalenessSeconds: 30 }],
  ['jwksUrl', { jwksUrl: 'not a url' }],
  ['jwksUrl', { jwksUrl: 'file:///etc/passwd' }],
  ['jwksUrl must be without user and password', { jwksUrl: 'http://user:secret@127.0.0.1:1/jwks.json' }],
  ['jwksUrl must be without user and password', { jwksUrl: 'http://user@127.0.0.1:1/jwks.json' }],
  ['jwksUrl has white space', { jwksUrl: 'http://127.0.0.1:1/jwks.json\n' }],
  ['feed', { feed: true }],
  ['feed.authUrl', { feed: { ...feed, authUrl: undefined } }],
  ['feed.authUrl', { feed: { ...feed, authUrl: 'localhost:8080' } }],
  [
    'feed.authUrl must be without user and password',
    { feed: { ...feed, authUrl: 'http://:secret@127.0.0.1:1' } },
  ],
  ['feed.authUrl has white space', { feed: { ...feed, authUrl: ' http://127.0.0.1:1' } }],
  ['feed.clientSecret', { feed: { ...feed, clientSecret: undefined } }],
  ['feed.clientSecret', { feed: { ...feed, clientSecret: '' } }],
  ['name', { name: 5 }],
  ['observer', { observer: null }],
  ['clientId', { clientId: '' }],
  ['clientId', { clientId: 5 }],
  ['feed.fetch', { feed: { ...feed, fetch: true } }],
  ['redis', { redis: {} }],
  ['keys', { keys: null }],
  ['keys.find', { keys: {} }],
  ['replica', { replica: true }],
  ['replica.age', { replica: {} }],
  ['clock', { clock: 5 }],
  ['clock.monotonic', { clock: { now: () => 0 } }],
  ['redisUrl', { redisUrl: 'http://127.0.0.1' }],
]

t.test('an option that cannot be meant is named, before anything is begun', async (t) => {
  for (const [named, option] of WRONG) {
    const title = `${named}: ${JSON.stringify(option)}`
    t.throws(
      () => createVerifier({ ...good, ...option }),
      { name: 'TypeError', message: new RegExp(named) },
      title,
    )
    t.throws(
      () => createGuard({ ...good, ...option }),
      { name: 'TypeError', message: new RegExp(named) },
      title,
    )
    const app = fastify()
    app.register(tokenVerifier, { ...good, ...option })
    await t.rejects(async () => app.ready(), { name: 'TypeError', message: new RegExp(named) }, title)
  }
  // @ts-expect-error -- as from JavaScript
  t.throws(() => createVerifier(), { name: 'TypeError', message: /options/ })
  // @ts-expect-error -- as from JavaScript
  t.throws(() => createGuard({ verifier: undefined }), { name: 'TypeError', message: /verifier/ })
  // @ts-expect-error -- as from JavaScript
  t.throws(() => createGuard({ verifier: {} }), { name: 'TypeError', message: /verifier\.start/ })
})

t.test(
  'an address from which nothing can be fetched is refused by whatever fetches, and not repeated',
  async (t) => {
    for (const url of ['http://user:secret@127.0.0.1:1', 'http://127.0.0.1:1/ secret', 'secret']) {
      const { clientSecret } = feed
      const made = [
        () => jwksKeys({ url }),
        () => new ClientToken({ authUrl: url, clientId: 'orders', clientSecret, clock: systemClock }),
        () => createVerifier({ ...good, jwksUrl: url }),
        () => createVerifier({ ...good, feed: { ...feed, authUrl: url } }),
      ]
      for (const make of made) t.throws(make, { name: 'TypeError', message: /^\S*[uU]rl (?!.*secret)/ }, url)
    }
  },
)

t.test('a realm that cannot stand in a header is named, and never met by a request', async (t) => {
  for (const realm of [5, '', 'a"b', 'a\\b', 'a\r\nb', 'a\u0000b', 'Köln']) {
    const wrong: object = { realm }
    const title = JSON.stringify(realm)
    const named = { name: 'TypeError', message: /^realm/ }
    t.throws(() => createGuard({ ...good, ...wrong }), named, title)
    const app = fastify()
    app.register(tokenVerifier, { ...good, ...wrong })
    await t.rejects(async () => app.ready(), named, title)
  }
})

t.test('an option that is undefined counts as left out', async (t) => {
  const unset = {
    keys: undefined,
    redisUrl: undefined,
    redis: undefined,
    replica: undefined,
    algorithm: undefined,
    maxLifeSeconds: undefined,
    maxStalenessSeconds: undefined,
    boundedStalenessSeconds: undefined,
    clock: undefined,
    name: undefined,
    observer: undefined,
  }
  t.doesNotThrow(() => createVerifier({ ...good, ...unset, feed: { ...feed, fetch: undefined } }))
  const guard = createGuard({ ...good, ...unset, realm: undefined })
  await guard.close()
  const app = fastify()
  await app.register(tokenVerifier, { ...good, ...unset, realm: undefined })
  await app.close()
})

/** An issuer that refuses: the statuses that it answers one after the other, the last for good. */
function refusing(statuses: readonly (readonly [status: number, retryAfter?: string])[]) {
  const askedAt: number[] = []
  const fetch = async () => {
    const [status = 500, retryAfter] = statuses[Math.min(askedAt.length, statuses.length - 1)] ?? []
    askedAt.push(performance.now())
    return new Response('', {
      status,
      headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
    })
  }
  return { askedAt, fetch }
}

t.test('an issuer that refuses is asked ever more seldom, so that its limits stay for others', async (t) => {
  const { askedAt, fetch } = refusing([[401]])
  const verifier = createVerifier({ ...good, feed: { ...feed, fetch } })
  t.teardown(() => verifier.close())
  verifier.start()
  await until(() => askedAt.length === 7)
  const [before = 0, last = 0] = askedAt.slice(-2)
  t.ok(last - before > 700, `${(last - before).toFixed(0)} ms between the last two`)
})

t.test('an issuer that says when it may be asked again is not asked before', async (t) => {
  const { askedAt, fetch } = refusing([[429, '2']])
  const verifier = createVerifier({ ...good, feed: { ...feed, fetch } })
  t.teardown(() => verifier.close())
  verifier.start()
  await until(() => askedAt.length === 2)
  const [first = 0, second = 0] = askedAt
  t.ok(second - first >= 1990, `${(second - first).toFixed(0)} ms`)
})

t.test('whoever waits for a verifier that is closed is told so', async (t) => {
  const verifier = createVerifier(good)
  verifier.start()
  const waiting = verifier.whenReady()
  await verifier.close()
  await t.rejects(waiting, /closed/)
})

t.test('a function redis that gives no client is named to the observer, and ends nothing', async (t) => {
  const dead = { connect: async () => undefined, call: async () => undefined, on: () => undefined }
  for (const redis of [
    async () => dead,
    () => Promise.reject(new Error('no secret yet')),
    () => undefined,
    () => ({}),
    () => dead,
  ]) {
    const told: unknown[] = []
    const observer = { disconnected: (_carrier: string, error: unknown) => told.push(error) }
    const wrong: object = { redis, feed: undefined, observer }
    const verifier = createVerifier({ ...good, ...wrong })
    verifier.start()
    await until(() => told.length === 2)
    t.match(told, [{ message: /^redis\(\)/ }], String(redis))
    await t.resolves(verifier.close())
  }
})

t.test('a client or an observer that throws does not end the following of Redis', async (t) => {
  let attempts = 0
  const verifier = createVerifier({
    ...good,
    feed: undefined,
    redis: () => ({
      connect: () => Promise.reject(new Error('away')),
      call: () => Promise.reject(new Error('away')),
      on: () => undefined,
      disconnect: () => {
        attempts++
        throw new Error('was never connected')
      },
    }),
    observer: {
      disconnected: () => {
        throw new Error('a fault of the application')
      },
    },
  })
  verifier.start()
  await until(() => attempts === 3)
  await t.resolves(verifier.close())
})

t.test('a verifier that is not ready for five seconds says in the log of the service why', async (t) => {
  const lines: string[] = []
  const app = fastify({ logger: { stream: { write: (line: string) => lines.push(line) } } })
  t.teardown(() => app.close())
  const { fetch } = refusing([[401]])
  await app.register(tokenVerifier, { ...good, keys: { find: () => undefined }, feed: { ...feed, fetch } })
  await app.ready()
  const began = performance.now()
  await until(() => lines.length > 0, 20_000)
  t.ok(performance.now() - began > 4500, 'a start may take a while')
  t.match(lines[0], /"level":40.*orders with 401.*the revocation log cannot be followed/)
})
