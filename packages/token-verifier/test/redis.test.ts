import { setTimeout as sleep } from 'node:timers/promises'
import fastify from 'fastify'
import t from 'tap'
import { revocationKeys } from '@portcullis/schemas'
import { race, startIssuer, startRedis, TEST_CLIENT, type Teardown } from '@portcullis/test-kit'
import {
  createVerifier,
  systemClock,
  type Carrier,
  type CreateVerifierOptions,
  type Observer,
} from '@portcullis/token-verifier'
import tokenVerifier from '@portcullis/token-verifier/fastify'
import { Admission } from '../src/follow/admission.ts'
import { TestRelay } from './support/relay.ts'
import { until } from './support/until.ts'

const INVALID = { name: 'TokenError', statusCode: 401, reason: 'revoked' }

async function setup(t: Teardown, options: Partial<CreateVerifierOptions> = {}) {
  const issuer = await startIssuer(t)
  const redis = await startRedis(t)
  const relay = new TestRelay(t, redis.url(1), issuer.log, TEST_CLIENT.id)
  const { feed: _feed, clock: _clock, ...rest } = issuer.verifierOptions
  const counts = { disconnected: 0, reloading: 0, applied: 0 }
  const observer: Observer = {
    disconnected: () => counts.disconnected++,
    reloading: () => counts.reloading++,
    applied: () => counts.applied++,
  }
  const verifier = createVerifier({
    ...rest,
    clock: systemClock,
    redisUrl: redis.url(1),
    observer,
    ...options,
  })
  t.teardown(() => verifier.close())
  const start = async () => {
    await until(() => relay.redis.status === 'ready')
    relay.start()
    verifier.start()
    await verifier.whenReady()
  }
  /** Whether the verifier holds all that the log has. */
  const caughtUp = () => until(() => verifier.position.seq === issuer.log.head.seq)
  return { issuer, redis, relay, verifier, counts, start, caughtUp }
}

t.test('a verifier is ready only after a mark it wrote as live has come back', async (t) => {
  const { relay, verifier, start } = await setup(t)
  verifier.start()
  await until(async () => relay.redis.status === 'ready' && (await relay.acks()).size === 1)
  const [joining] = (await relay.acks()).values()
  t.match(joining, { state: 'joining', max_age: 2 })
  t.notOk(verifier.ready)
  await start()
  const [live] = (await relay.acks()).values()
  t.equal(live?.state, 'live')
  t.ok(verifier.age() < 1000)
})

t.test(
  'a revocation is known a few milliseconds after it was appended, and acknowledged at once',
  async (t) => {
    const { issuer, relay, verifier, start, caughtUp, counts } = await setup(t)
    await start()
    const tokens = Array.from({ length: 50 }, (_, i) => issuer.mint({ session: `s${i}` }))
    for (const [i, token] of tokens.entries()) {
      await verifier.verify(token)
      issuer.log.append('session', `s${i}`)
      await caughtUp()
      await t.rejects(verifier.verify(token), INVALID)
    }
    await until(async () => [...(await relay.acks()).values()].every((ack) => ack.position === '1-50'))
    t.equal(counts.applied, 50)
    t.equal(counts.disconnected, 0)
  },
)

t.test(
  'the age stays below half a second while all is well, and the verifier says leaving at its end',
  async (t) => {
    const { relay, verifier, start } = await setup(t)
    await start()
    let oldest = 0
    const end = performance.now() + 1500
    await until(() => {
      oldest = Math.max(oldest, verifier.age())
      return performance.now() > end
    })
    t.ok(oldest < 2000, `${oldest} ms`)
    t.comment(`oldest: ${oldest.toFixed(0)} ms`)
    await verifier.close()
    const [left] = (await relay.acks()).values()
    t.equal(left?.state, 'leaving')
  },
)

t.test('a verifier that starts late holds all that was revoked before', async (t) => {
  const { issuer, verifier, start } = await setup(t)
  const tokens = Array.from({ length: 5000 }, (_, i) => (issuer.log.append('session', `s${i}`), i))
  await start()
  t.equal(verifier.entries, tokens.length)
  await t.rejects(verifier.verify(issuer.mint({ session: 's4999' })), INVALID)
  t.ok(await verifier.verify(issuer.mint()))
})

t.test('connections killed every few milliseconds lose nothing', async (t) => {
  const { issuer, relay, verifier, start, caughtUp, counts } = await setup(t)
  await start()
  for (let i = 0; i < 300; i++) {
    issuer.log.append('session', `s${i}`)
    if (i % 30 === 0) await relay.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await sleep(2)
  }
  await caughtUp()
  t.ok(counts.disconnected >= 1)
  const seen = await race(300, (i) => verifier.verify(issuer.mint({ session: `s${i}` })))
  t.ok(seen.every(({ status }) => status === 'rejected'))
})

t.test('FLUSHALL at any moment un-revokes nothing, and the verifier serves on', async (t) => {
  const { issuer, relay, verifier, start, caughtUp } = await setup(t)
  await start()
  for (let i = 0; i < 20; i++) {
    issuer.log.append('session', `s${i}`)
    await relay.redis.flushall()
  }
  await caughtUp()
  for (let i = 0; i < 20; i++) await t.rejects(verifier.verify(issuer.mint({ session: `s${i}` })), INVALID)
  t.ok(await verifier.verify(issuer.mint()))
})

t.test(
  'a Redis that is frozen makes the verifier stale and is left; when it thaws all is well again',
  async (t) => {
    const { issuer, redis, verifier, start, caughtUp } = await setup(t, { maxStalenessSeconds: 1 })
    await start()
    redis.pause()
    await until(() => !verifier.ready)
    await t.rejects(verifier.verify(issuer.mint()), { name: 'StaleError', statusCode: 503 })
    issuer.log.append('session', 'while-frozen')
    redis.resume()
    await until(() => verifier.ready)
    await caughtUp()
    await t.rejects(verifier.verify(issuer.mint({ session: 'while-frozen' })), INVALID)
  },
)

t.test('a Redis that comes back empty is read from where it is filled again', async (t) => {
  const { issuer, redis, verifier, start, caughtUp } = await setup(t)
  issuer.log.append('session', 'before')
  await start()
  await redis.kill()
  issuer.log.append('session', 'while-away')
  await redis.restart()
  await caughtUp()
  await until(() => verifier.ready)
  for (const session of ['before', 'while-away'])
    await t.rejects(verifier.verify(issuer.mint({ session })), INVALID)
})

t.test('what is foreign in the streams removes nothing and is not taken for an event', async (t) => {
  const { issuer, relay, verifier, start, caughtUp } = await setup(t)
  issuer.log.append('session', 'before')
  await start()
  const { log, beat } = revocationKeys
  const { redis } = relay
  const garbage = ['epoch', 'x', 'seq', '-1', 'base', '9e99', 'marks', '{']
  await redis.xadd(beat, '*', ...garbage)
  await redis.xadd(beat, '*', 'epoch', 1, 'seq', 1, 'base', 1, 'marks', '[]')
  await redis.xadd(beat, '*', 'epoch', 1, 'seq', 2 ** 53, 'base', 2 ** 53, 'marks', '{}')
  await redis.xadd(beat, '*', 'epoch', 1, 'seq', 1, 'base', 1, 'marks', '{}')
  await redis.xadd(log, '1-2', 'event', 'nonsense 0 1 1 x')
  await redis.xadd(log, '1-3', 'no', 'fields')
  await t.rejects(verifier.verify(issuer.mint({ session: 'before' })), INVALID)
  await redis.del(log)
  issuer.log.append('session', 'after')
  await caughtUp()
  for (const session of ['before', 'after'])
    await t.rejects(verifier.verify(issuer.mint({ session })), INVALID)
  t.ok(await verifier.verify(issuer.mint()))
})

t.test(
  'streams that are no streams make the verifier unready, and it comes back when they are',
  async (t) => {
    const { issuer, relay, verifier, start } = await setup(t, { maxStalenessSeconds: 1 })
    await start()
    relay.pause()
    await relay.redis.del(revocationKeys.beat)
    await relay.redis.set(revocationKeys.beat, 'text')
    await until(() => !verifier.ready)
    await relay.redis.del(revocationKeys.beat)
    relay.start()
    await until(() => verifier.ready)
    t.ok(await verifier.verify(issuer.mint()))
  },
)

t.test('entries missing in the middle are noticed, and all is read again when they are there', async (t) => {
  const { issuer, relay, verifier, start, caughtUp, counts } = await setup(t)
  await start()
  relay.pause()
  for (const session of ['a', 'b', 'c']) issuer.log.append('session', session)
  const entry = (seq: number, key: string) =>
    relay.redis.xadd(revocationKeys.log, `1-${seq}`, 'event', `session 0 4000000000000 0 ${key}`)
  await entry(1, 'a')
  await entry(3, 'c')
  await until(() => verifier.entries === 2)
  t.equal(verifier.position.seq, 1)
  await relay.redis.del(revocationKeys.log)
  relay.start()
  await caughtUp()
  t.ok(counts.reloading >= 1)
  await t.rejects(verifier.verify(issuer.mint({ session: 'b' })), INVALID)
})

t.test('a new epoch kills every older token and leaves the newer ones', async (t) => {
  const { issuer, verifier, start } = await setup(t)
  issuer.log.append('session', 's')
  await start()
  const old = issuer.mint()
  issuer.log.raiseEpoch()
  await until(() => verifier.position.epoch === 2)
  await t.rejects(verifier.verify(old), INVALID)
  await until(() => verifier.ready)
  t.ok(await verifier.verify(issuer.mint()))
  await t.rejects(verifier.verify(issuer.mint({ session: 's' })), INVALID)
})

t.test('what base has passed is dropped', async (t) => {
  const { issuer, verifier, start } = await setup(t)
  issuer.clock.set(Date.now() - 70 * 60_000)
  issuer.log.append('session', 'old')
  issuer.clock.set(Date.now())
  issuer.log.append('session', 'new')
  await start()
  t.equal(verifier.entries, 2)
  issuer.log.prune()
  await until(() => verifier.entries === 1)
  await t.rejects(verifier.verify(issuer.mint({ session: 'new' })), INVALID)
})

t.test('after a silence so long that the writer has forgotten it, the verifier joins again', async (t) => {
  const states: string[] = []
  const observer = { state: (state: string) => states.push(state) }
  const { relay, issuer, verifier, start } = await setup(t, { maxStalenessSeconds: 0.4, observer })
  await start()
  relay.pause()
  issuer.log.append('session', 's')
  await until(() => states.at(-1) === 'joining')
  relay.start()
  await until(() => verifier.ready)
  t.strictSame(states, ['live', 'joining', 'live'])
  await t.rejects(verifier.verify(issuer.mint({ session: 's' })), INVALID)
})

t.test('a beat that stops makes the verifier stale even though Redis answers', async (t) => {
  const { relay, verifier, start } = await setup(t, { maxStalenessSeconds: 1 })
  await start()
  relay.pause()
  await until(() => !verifier.ready)
  relay.start()
  await until(() => verifier.ready)
  t.pass('and it recovers')
})

t.test('a live connection on which the beat stops is given up for another one', async (t) => {
  const errors: unknown[] = []
  const observer = { disconnected: (_carrier: Carrier, error: unknown) => errors.push(error) }
  const { issuer, relay, start, caughtUp } = await setup(t, { observer })
  await start()
  relay.pause()
  await until(() => errors.some((error) => error instanceof Error && error.message === 'no beat'))
  relay.start()
  issuer.log.append('session', 's')
  await caughtUp()
  t.pass('and the log is followed on it')
})

t.test('a client that the issuer does not admit is named in the log of the service', async (t) => {
  const { issuer, redis, relay } = await setup(t)
  await until(() => relay.redis.status === 'ready')
  relay.start()
  const { feed: _feed, ...rest } = issuer.verifierOptions
  const lines: string[] = []
  const app = fastify({ logger: { stream: { write: (line: string) => lines.push(line) } } })
  t.teardown(() => app.close())
  const refused: string[] = []
  await app.register(tokenVerifier, {
    ...rest,
    clientId: 'hello',
    redisUrl: redis.url(1),
    observer: { unadmitted: (clientId) => refused.push(clientId) },
  })
  const began = performance.now()
  await app.ready()
  await until(() => refused.length > 0, 20_000)
  t.ok(performance.now() - began > 4500, 'a start may take a while')
  t.strictSame(refused, ['hello'])
  t.match(lines, [/"level":40.*does not admit the client hello as a verifier.*revocations:read/])
})

t.test('a verifier that is admitted is never told that it is not', async (t) => {
  const admission = new Admission()
  let now = 0
  const beats = (seconds: number, hasMark: boolean) => {
    let refusals = 0
    for (const end = now + seconds * 1000; now < end; now += 100)
      if (admission.isRefused(hasMark, now)) refusals++
    return refusals
  }
  t.equal(beats(60, true), 0)
  t.equal(beats(4, false), 0, 'its row has to be entered anew')
  t.equal(beats(10, true), 0)
  now += 60_000
  t.equal(beats(4, false), 0, 'it has slept')
  t.equal(beats(12, false), 3)
})
