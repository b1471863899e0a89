import { createServer, type ServerResponse } from 'node:http'
import t from 'tap'
import {
  freePort,
  startIssuer,
  startRedis,
  TEST_CLIENT,
  type Teardown,
  type TestIssuer,
} from '@portcullis/test-kit'
import {
  createVerifier,
  systemClock,
  type Carrier,
  type CreateVerifierOptions,
} from '@portcullis/token-verifier'
import { TestRelay } from './support/relay.ts'
import { until } from './support/until.ts'

const INVALID = { name: 'TokenError', statusCode: 401, reason: 'revoked' }
const STALE = { name: 'StaleError', statusCode: 503, code: 'AUTH_REVOCATIONS_STALE' }

async function follow(t: Teardown, issuer: TestIssuer, options: Partial<CreateVerifierOptions> = {}) {
  const verifier = createVerifier({ ...issuer.verifierOptions, ...options })
  t.teardown(() => verifier.close())
  verifier.start()
  await verifier.whenReady()
  return verifier
}

t.test(
  'from the feed alone a verifier is ready in milliseconds and refuses what was revoked before',
  async (t) => {
    const issuer = await startIssuer(t)
    const token = issuer.mint()
    await issuer.revoke(token)
    const began = performance.now()
    const verifier = await follow(t, issuer)
    t.comment(`ready after ${(performance.now() - began).toFixed(0)} ms`)
    await t.rejects(verifier.verify(token), INVALID)
    t.ok(await verifier.verify(issuer.mint()))
  },
)

t.test('when a revocation has been answered every verifier refuses', async (t) => {
  const issuer = await startIssuer(t)
  const verifiers = await Promise.all([1, 2, 3].map(() => follow(t, issuer)))
  for (let i = 0; i < 20; i++) {
    const tokens = [issuer.mint({ user: `u${i}` }), issuer.mintClient({ clientId: `c${i}` })]
    for (const verifier of verifiers) for (const token of tokens) await verifier.verify(token)
    await issuer.revoke({ user: `u${i}` })
    await issuer.revoke({ client: `c${i}` })
    for (const verifier of verifiers)
      for (const token of tokens) await t.rejects(verifier.verify(token), INVALID)
    for (const verifier of verifiers)
      t.ok(await verifier.verify(issuer.mint({ user: `u${i}` })), 'new tokens live')
  }
})

t.test('a compromised key and a new epoch kill what was signed before', async (t) => {
  const issuer = await startIssuer(t)
  const verifier = await follow(t, issuer)
  const first = issuer.mint()
  await issuer.rotate()
  t.ok(await verifier.verify(first), 'an old key is good until it is compromised')
  const second = issuer.mint()
  t.ok(await verifier.verify(second))
  await issuer.rotate({ compromised: true })
  await t.rejects(verifier.verify(second), { ...INVALID, reason: 'unknown key' })
  const third = issuer.mint()
  await issuer.raiseEpoch()
  await t.rejects(verifier.verify(third))
})

t.test('keys that are rotated at once after one another sign good tokens', async (t) => {
  const issuer = await startIssuer(t)
  const verifier = await follow(t, issuer)
  for (const rotation of [1, 2, 3, 'after a while', 'one more', 'after another while', 'the last']) {
    if (String(rotation).startsWith('after')) await issuer.advance(30_000)
    await issuer.rotate()
    t.ok(await verifier.verify(issuer.mint()), `${rotation}`)
  }
})

t.test('time that passes expires tokens and leaves the verifier ready', async (t) => {
  const issuer = await startIssuer(t)
  const verifier = await follow(t, issuer)
  const token = issuer.mint({ expiresInSeconds: 60 })
  await issuer.advance(3_600_000)
  await t.rejects(verifier.verify(token), { name: 'TokenError', reason: 'expired' })
  t.ok(await verifier.verify(issuer.mint()), 'its own token was fetched anew')
})

t.test('the age counts from the sending of a question, so that a slow answer is an old one', async (t) => {
  const issuer = await startIssuer(t)
  const verifier = await follow(t, issuer, { clock: systemClock })
  let oldest = 0
  const end = performance.now() + 1600
  await until(() => {
    oldest = Math.max(oldest, verifier.age())
    return performance.now() > end
  })
  t.ok(oldest < 2000, `${oldest} ms`)
  t.comment(`oldest: ${oldest.toFixed(0)} ms`)
})

t.test('an issuer that is away makes the verifier stale, and it recovers', async (t) => {
  const issuer = await startIssuer(t)
  let isDown = false
  const fetch: typeof globalThis.fetch = (...args) =>
    isDown ? Promise.reject(new TypeError()) : globalThis.fetch(...args)
  const feed = { ...issuer.verifierOptions.feed, fetch }
  const verifier = await follow(t, issuer, { clock: systemClock, feed, maxStalenessSeconds: 1 })
  const token = issuer.mint()
  isDown = true
  await until(() => !verifier.ready)
  await t.rejects(verifier.verify(token), STALE)
  isDown = false
  await until(() => verifier.ready)
  t.ok(await verifier.verify(token))
})

t.test('a token of its own that the issuer refuses is given up, and another one fetched', async (t) => {
  const issuer = await startIssuer(t)
  const shown = new Set<string>()
  const refused = new Set<string>()
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const authorization = new Headers(init?.headers).get('authorization') ?? ''
    if (authorization.startsWith('Bearer ')) shown.add(authorization)
    return refused.has(authorization) ? new Response('{}', { status: 401 }) : globalThis.fetch(input, init)
  }
  const feed = { ...issuer.verifierOptions.feed, fetch }
  const verifier = await follow(t, issuer, { clock: systemClock, feed, maxStalenessSeconds: 1 })
  for (const authorization of shown) refused.add(authorization)
  await until(() => shown.size > refused.size)
  await until(() => verifier.ready)
  t.ok(await verifier.verify(issuer.mint()))
})

t.test('answers of any shape leave the replica as it was and the verifier stale', async (t) => {
  const issuer = await startIssuer(t)
  const token = issuer.mint({ session: 's' })
  await issuer.revoke(token)
  const bodies = [
    '',
    'null',
    '{}',
    '[]',
    '{"epoch":9}',
    '{"epoch":1,"seq":0,"base":0,"events":[{}],"more":false,"mark":null}',
  ]
  let answer: ((response: ServerResponse) => void) | undefined
  const proxy = createServer(async (request, response) => {
    if (answer && request.url?.startsWith('/api')) return answer(response)
    const { authorization = '' } = request.headers
    const method = request.method ?? 'GET'
    const upstream = await fetch(`${issuer.url}${request.url}`, { method, headers: { authorization } }).catch(
      () => null,
    )
    response.end((await upstream?.text()) ?? '')
  })
  const port = await freePort()
  await new Promise<void>((resolve) => proxy.listen(port, '127.0.0.1', resolve))
  t.teardown(() => proxy.closeAllConnections())
  t.teardown(() => proxy.close())
  const feed = { ...issuer.verifierOptions.feed, authUrl: `http://127.0.0.1:${port}` }
  const verifier = await follow(t, issuer, { clock: systemClock, feed, maxStalenessSeconds: 1 })
  let i = 0
  answer = (response) => response.end(bodies[i++ % bodies.length])
  await until(() => !verifier.ready && i > bodies.length)
  t.equal(verifier.entries, 1)
  await t.rejects(verifier.verify(token), INVALID)
  answer = undefined
  await until(() => verifier.ready)
})

t.test('a log of which the front is missing in the answer is read again from there', async (t) => {
  const issuer = await startIssuer(t)
  for (const session of ['first', 'second']) issuer.log.append('session', session)
  let isWhole = false
  const fetch: typeof globalThis.fetch = (input, init) => {
    if (isWhole || typeof input !== 'string' || !input.includes('after=0-0'))
      return globalThis.fetch(input, init)
    isWhole = true
    return globalThis.fetch(input.replace('after=0-0', 'after=1-1'), init)
  }
  const reloaded: Carrier[] = []
  const verifier = createVerifier({
    ...issuer.verifierOptions,
    feed: { ...issuer.verifierOptions.feed, fetch },
    observer: { reloading: (carrier) => reloaded.push(carrier) },
  })
  t.teardown(() => verifier.close())
  verifier.start()
  await until(() => verifier.ready)
  t.strictSame(reloaded, ['feed'])
  for (const session of ['first', 'second'])
    await t.rejects(verifier.verify(issuer.mint({ session })), INVALID)
})

async function withRedis(t: Teardown) {
  const issuer = await startIssuer(t)
  const redis = await startRedis(t)
  const relay = new TestRelay(t, redis.url(1), issuer.log, TEST_CLIENT.id)
  await until(() => relay.redis.status === 'ready')
  relay.start()
  const carriers: Carrier[] = []
  const observer = { carrier: (carrier: Carrier) => carriers.push(carrier) }
  const verifier = await follow(t, issuer, { clock: systemClock, redisUrl: redis.url(1), observer })
  return { issuer, redis, relay, verifier, carriers }
}

t.test('a verifier cut off from Redis follows the feed, is ready all the time, and goes back', async (t) => {
  const { issuer, redis, relay, verifier, carriers } = await withRedis(t)
  await until(() => carriers.at(-1) === 'redis')
  redis.pause()
  let oldest = 0
  const end = performance.now() + 3000
  await until(() => {
    oldest = Math.max(oldest, verifier.age())
    return performance.now() > end
  })
  t.ok(oldest < 2000, `${oldest} ms`)
  t.comment(`oldest: ${oldest.toFixed(0)} ms`)
  t.equal(carriers.at(-1), 'feed')
  const token = issuer.mint()
  t.ok(await verifier.verify(token))
  await issuer.revoke(token)
  await t.rejects(verifier.verify(token), INVALID)
  redis.resume()
  await until(() => carriers.at(-1) === 'redis')
  const next = issuer.mint({ session: 'next' })
  issuer.log.append('session', 'next')
  await until(() => verifier.position.seq === 2)
  await t.rejects(verifier.verify(next), INVALID)
  await until(async () => [...(await relay.acks()).values()].some((ack) => ack.position === '1-2'))
})

t.test('a verifier that starts without Redis follows the feed', async (t) => {
  const issuer = await startIssuer(t)
  const token = issuer.mint()
  const redisUrl = `redis://127.0.0.1:${await freePort()}/1`
  const verifier = await follow(t, issuer, { clock: systemClock, redisUrl })
  await issuer.revoke(token)
  await t.rejects(verifier.verify(token), INVALID)
})

t.test('cut off from both, strict routes are 503 in time and bounded ones go on', async (t) => {
  const { issuer, redis } = await withRedis(t)
  let isDown = false
  const fetch: typeof globalThis.fetch = (...args) =>
    isDown ? Promise.reject(new TypeError()) : globalThis.fetch(...args)
  const verifier = await follow(t, issuer, {
    clock: systemClock,
    redisUrl: redis.url(1),
    feed: { ...issuer.verifierOptions.feed, fetch },
    boundedStalenessSeconds: 30,
  })
  const token = issuer.mint()
  await redis.kill()
  isDown = true
  const cut = performance.now()
  await until(() => !verifier.ready)
  t.comment(`unready after ${(performance.now() - cut).toFixed(0)} ms`)
  await t.rejects(verifier.verify(token), STALE)
  t.ok(await verifier.verify(token, { bounded: true }))
  isDown = false
  const healed = performance.now()
  await until(() => verifier.ready)
  t.comment(`ready again after ${(performance.now() - healed).toFixed(0)} ms`)
})
