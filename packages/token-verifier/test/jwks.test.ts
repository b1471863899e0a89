import t from 'tap'
import { createSigningKey, race } from '@portcullis/test-kit'
import { StaleError } from '@portcullis/token-verifier'
import { CACHE, setup } from './support/jwks.ts'
import { until } from './support/until.ts'

const first = createSigningKey()
const second = createSigningKey()

t.test('a key is found at once while the set is fresh, and the set is fetched once', async (t) => {
  const { source, state, clock } = setup([first.jwk, second.jwk])
  const found = await race(50, async () => source.find(first.kid))
  t.ok(found.every((f) => f.status === 'fulfilled' && f.value === first.publicPem))
  clock.advance(299_000)
  t.equal(source.find(second.kid), second.publicPem)
  t.equal(state.requests.length, 1)
})

t.test('a set past its age is used while it is fetched anew, and the ETag spares its transfer', async (t) => {
  const { source, state, clock } = setup([first.jwk])
  await source.find(first.kid)
  clock.advance(301_000)
  t.equal(source.find(first.kid), first.publicPem)
  t.equal(state.requests.length, 2)
  t.equal(state.requests[1]?.get('if-none-match'), state.etag)
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(source.find(first.kid), first.publicPem)
  t.equal(state.requests.length, 2, 'a 304 makes the set fresh')
})

t.test('a key that has left the set is found no more once the set is fetched anew', async (t) => {
  const { source, state, clock } = setup([first.jwk, second.jwk])
  await source.find(first.kid)
  Object.assign(state, { keys: [second.jwk], etag: 'W/"2"' })
  clock.advance(361_000)
  t.equal(await source.find(first.kid), undefined)
  t.equal(await source.find(second.kid), second.publicPem)
})

t.test('10,000 random kids cause one fetch in 30 seconds', async (t) => {
  const { source, state, clock } = setup([first.jwk])
  await source.find(first.kid)
  const ask = () => race(5000, async (i) => source.find(`random-${i}-${Math.random()}`))
  t.ok((await ask()).every((f) => f.status === 'fulfilled' && f.value === undefined))
  await ask()
  t.equal(state.requests.length, 2)
  t.equal(source.find(first.kid), first.publicPem)
  clock.advance(30_000)
  await ask()
  t.equal(state.requests.length, 3)
})

t.test(
  'a new key is found by the first who asks for it, and a kid known to be absent asks no more',
  async (t) => {
    const { source, state, clock } = setup([first.jwk])
    await source.find(first.kid)
    t.equal(await source.find('absent'), undefined)
    clock.advance(30_000)
    t.equal(await source.find('absent'), undefined)
    t.equal(state.requests.length, 2)
    Object.assign(state, { keys: [first.jwk, second.jwk], etag: 'W/"2"' })
    t.equal(await source.find(second.kid), second.publicPem)
  },
)

t.test('a kid that was not there is looked for again after a minute', async (t) => {
  const { source, state, clock } = setup([first.jwk])
  await source.find(first.kid)
  t.equal(await source.find(second.kid), undefined)
  Object.assign(state, { keys: [first.jwk, second.jwk], etag: 'W/"2"' })
  clock.advance(60_000)
  t.equal(await source.find(second.kid), second.publicPem)
})

t.test('while the issuer is away old keys serve, until they are too old; then it is 503', async (t) => {
  const { source, state, clock } = setup([first.jwk])
  await source.find(first.kid)
  state.isDown = true
  clock.advance(3_000_000)
  t.equal(await source.find(first.kid), first.publicPem)
  await t.rejects(async () => source.find(second.kid), { statusCode: 503, code: 'UNAVAILABLE' })
  clock.advance(599_999)
  t.equal(await source.find(first.kid), first.publicPem)
  clock.advance(1)
  await t.rejects(async () => source.find(first.kid), { statusCode: 503, code: 'UNAVAILABLE' })
  state.isDown = false
  clock.advance(10_000)
  t.equal(await source.find(first.kid), first.publicPem)
})

t.test('who has no keys asks four times a second; who has some, once in five seconds at last', async (t) => {
  const { source, state, clock } = setup([first.jwk])
  const askFor = async (seconds: number) => {
    const before = state.requests.length
    for (let ms = 0; ms < seconds * 1000; ms += 50) {
      await Promise.resolve(source.find(first.kid)).catch(() => undefined)
      clock.advance(50)
    }
    return state.requests.length - before
  }
  state.isDown = true
  // After 50, 100, 200 and then each 250 ms.
  t.equal(await askFor(10), 42)

  state.isDown = false
  clock.advance(250)
  await source.find(first.kid)
  state.isDown = true
  clock.advance(400_000)
  await askFor(20)
  t.equal(await askFor(20), 4)
})

t.test('an unknown kid is 503 while the issuer is away: it may be a new key', async (t) => {
  const { source, state } = setup([first.jwk])
  await source.find(first.kid)
  state.isDown = true
  await t.rejects(async () => source.find(second.kid), StaleError)
  await t.rejects(async () => source.find(second.kid), StaleError)
  t.equal(state.requests.length, 2, 'and is not asked for again at once')
})

t.test('what is no JWK Set, or holds no key of use, leaves the keys as they were', async (t) => {
  const { source, state, clock } = setup([first.jwk])
  await source.find(first.kid)
  const { jwk } = first
  const bodies = [
    '',
    'null',
    '[]',
    '{"keys":{}}',
    '{"keys":[]}',
    '{"keys":[null,1,"x",{}]}',
    '<html>',
    JSON.stringify({ keys: [{ ...jwk, alg: 'ES384' }] }),
    JSON.stringify({ keys: [{ ...jwk, use: 'enc' }] }),
    JSON.stringify({ keys: [{ ...jwk, crv: 'secp256k1' }] }),
    JSON.stringify({ keys: [{ ...jwk, x: jwk.y, y: jwk.x }] }),
    JSON.stringify({ keys: [{ ...jwk, x: undefined }] }),
    JSON.stringify({ keys: Array.from({ length: 101 }, () => jwk) }),
    `{"keys":[], "pad":"${'x'.repeat(9 * 1024 * 1024)}"}`,
  ]
  for (const body of bodies) {
    Object.assign(state, { body, etag: `"${bodies.indexOf(body)}"` })
    clock.advance(370_000)
    t.equal(await source.find(first.kid), first.publicPem, body.slice(0, 80))
    Object.assign(state, { body: undefined, etag: '"good"' })
    clock.advance(370_000)
    await source.find(first.kid)
  }
})

t.test('keys of other kinds in the set are passed over', async (t) => {
  const rsa = createSigningKey('RS256')
  const keys = [rsa.jwk, { kty: 'OKP', kid: 'ed', use: 'sig', alg: 'EdDSA' }, first.jwk]
  const { source } = setup(keys)
  t.equal(await source.find(first.kid), first.publicPem)
  t.equal(await source.find(rsa.kid), undefined)
  t.equal(await setup(keys, { algorithm: 'RS256' }).source.find(rsa.kid), rsa.publicPem)
})

t.test('Cache-Control is honoured within bounds', async (t) => {
  for (const [cacheControl, freshFor] of [
    ['max-age=60, stale-while-revalidate=0', 60],
    ['no-store', 5],
    ['max-age=0', 5],
    ['max-age=999999999', 3600],
    ['', 300],
  ] as const) {
    const { source, state, clock } = setup([first.jwk])
    state.cacheControl = cacheControl
    await source.find(first.kid)
    clock.advance(freshFor * 1000 - 1)
    await source.find(first.kid)
    t.equal(state.requests.length, 1, cacheControl)
    clock.advance(1)
    await source.find(first.kid)
    t.equal(state.requests.length, 2, cacheControl)
  }
})

t.test(
  'a set is used for an hour at most from when the issuer made it, whatever the headers say',
  async (t) => {
    for (const [cacheControl, age, usedFor] of [
      [CACHE, undefined, 3600],
      [CACHE, '0', 3600],
      [CACHE, '299', 3301],
      [CACHE, '3000', 600],
      [CACHE, '10, 3000', 600],
      ['public, max-age=86400', '3599', 1],
      ['public, max-age=86400, stale-while-revalidate=86400, stale-if-error=86400', undefined, 3600],
      ['no-store, stale-if-error=86400', '100', 3500],
      ['max-age=60, stale-if-error=60', '30', 90],
      [CACHE, 'long ago', 3600],
    ] as const) {
      const { source, state, clock } = setup([first.jwk])
      Object.assign(state, { cacheControl, age })
      const title = `${cacheControl}, age ${age}`
      t.equal(await source.find(first.kid), first.publicPem, title)
      state.isDown = true
      clock.advance(usedFor * 1000 - 1)
      t.equal(await source.find(first.kid), first.publicPem, title)
      clock.advance(1)
      await t.rejects(async () => source.find(first.kid), { statusCode: 503, code: 'UNAVAILABLE' }, title)
    }
  },
)

t.test(
  'a set that has been in a cache for an hour is refused, and one that is old is not fetched at each use',
  async (t) => {
    const errors: unknown[] = []
    const { source, state, clock } = setup([first.jwk], { onError: (error) => errors.push(error) })
    state.age = '3600'
    await t.rejects(async () => source.find(first.kid), { statusCode: 503, code: 'UNAVAILABLE' })
    t.match(errors, [/the JWK Set is too old: it has been in a cache for 3600 s/])
    clock.advance(1000)
    state.age = '1000'
    t.equal(await source.find(first.kid), first.publicPem)
    const { length } = state.requests
    clock.advance(4999)
    t.equal(source.find(first.kid), first.publicPem)
    t.equal(state.requests.length, length)
  },
)

t.test(
  'start fetches until it has succeeded once, also where the clock of a test stands still',
  async (t) => {
    const errors: unknown[] = []
    const onError = (error: unknown) => errors.push(error)
    const { source, state } = setup([first.jwk], { onError, pace: undefined })
    t.teardown(() => source.close?.())
    state.isDown = true
    source.start?.()
    await until(() => errors.length === 2)
    t.equal(source.ready, false)
    state.isDown = false
    await until(() => source.ready)
    t.equal(source.find(first.kid), first.publicPem)
  },
)

t.test('close ends the fetch under way, and that is no failure to tell of', async (t) => {
  const errors: unknown[] = []
  let hangup: AbortSignal | null | undefined
  const { source } = setup([first.jwk], {
    onError: (error) => errors.push(error),
    fetch: (_url, init) => {
      hangup = init?.signal
      return new Promise((_resolve, reject) =>
        hangup?.addEventListener('abort', () => reject(hangup?.reason)),
      )
    },
  })
  source.start?.()
  source.close?.()
  t.equal(hangup?.aborted, true)
  await t.rejects(async () => source.find(first.kid), { statusCode: 503, code: 'UNAVAILABLE' })
  t.strictSame(errors, [])
})
