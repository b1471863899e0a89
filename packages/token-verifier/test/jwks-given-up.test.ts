import t from 'tap'
import { createSigningKey, race } from '@portcullis/test-kit'
import { endpoint, setup } from './support/jwks.ts'
import { until } from './support/until.ts'

const first = createSigningKey()
const second = createSigningKey()

t.test('a key that was given up is found no more, and nobody is asked for it', async (t) => {
  const { source, state, clock } = setup([first.jwk, second.jwk])
  await source.find(first.kid)
  source.giveUp?.(first.kid)
  for (const etag of ['W/"1"', 'W/"2"']) {
    state.etag = etag
    t.equal(await source.find(first.kid), undefined)
    clock.advance(400_000)
    t.equal(await source.find(second.kid), second.publicPem, 'a cache still publishes both')
  }
  t.equal(await source.find(first.kid), undefined)
  t.equal(state.requests.length, 3)
})

t.test('the successor of a key that was given up is looked for at once, past caches, and once', async (t) => {
  const { source, state } = setup([first.jwk])
  await source.find(first.kid)
  t.equal(await source.find(second.kid), undefined)
  Object.assign(state, { keys: [second.jwk], etag: 'W/"2"' })
  t.equal(await source.find(second.kid), undefined, 'not again so soon')
  for (let times = 0; times < 2; times++) source.giveUp?.(first.kid)
  const found = await race(50, async () => source.find(second.kid))
  t.ok(found.every((f) => f.status === 'fulfilled' && f.value === second.publicPem))
  source.giveUp?.(first.kid)
  await race(1000, async (i) => source.find(`random-${i}`))
  t.strictSame(
    state.requests.map((headers) => headers.get('cache-control')),
    [null, null, 'no-cache'],
  )
})

t.test('a set that still has the key is older than the log: nobody knows an unknown key by it', async (t) => {
  const { source, state, clock } = setup([first.jwk])
  await source.find(first.kid)
  source.giveUp?.(first.kid)
  const unknown = async () => source.find(second.kid)
  for (const etag of ['W/"1"', 'W/"2"']) {
    state.etag = etag
    await t.rejects(
      race(1, unknown).then(([one]) => one?.status === 'rejected' && Promise.reject(one.reason)),
      {
        statusCode: 503,
        code: 'UNAVAILABLE',
      },
    )
    const { length } = state.requests
    await race(1000, unknown)
    t.equal(state.requests.length, length, 'and nobody asks without pause')
    clock.advance(5000)
  }
  Object.assign(state, { keys: [second.jwk], etag: 'W/"3"' })
  t.equal(await unknown(), second.publicPem)
})

t.test('the successor is found too if the keys were being fetched when the key was given up', async (t) => {
  const { state, fetch } = endpoint([first.jwk])
  const arrived = Promise.withResolvers<void>()
  const { source, clock } = setup([], {
    fetch: async (...asked) => {
      const answer = await fetch(...asked)
      if (state.requests.length > 1) await arrived.promise
      return answer
    },
  })
  await source.find(first.kid)
  for (const age of [0, 400_000]) {
    const before = state.requests.length
    clock.advance(age)
    const search = source.find(second.kid)
    await until(() => state.requests.length === before + 1)
    Object.assign(state, { keys: [second.jwk], etag: `W/"${age}"` })
    source.giveUp?.(`${first.kid} ${age}`)
    arrived.resolve()
    t.equal(await search, second.publicPem)
  }
})
