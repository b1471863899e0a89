import fc from 'fast-check'
import { Redis } from 'ioredis'
import t from 'tap'
import { startRedis } from '@portcullis/test-kit'
import {
  ACCOUNT_WALL,
  decideAttempt,
  KNOWN_UNDER_WAY,
  PAIR_WALL,
  type Failures,
  type ThrottleState,
} from '../src/passwords/login-throttle/decide.ts'
import { MemoryThrottleStore } from '../src/passwords/login-throttle/memory.ts'
import { RedisThrottleStore } from '../src/passwords/login-throttle/redis.ts'
import type { AttemptResult, ThrottleStore } from '../src/passwords/login-throttle/store.ts'

const NOW = 1_795_000_000_000
const NONE: Failures = { count: 0, lastAt: 0, underWay: 1 }

const failures = fc.record({
  count: fc.nat(2000),
  lastAt: fc.integer({ min: NOW - 2 * PAIR_WALL.forgetMs, max: NOW + 60_000 }),
  underWay: fc.integer({ min: 1, max: 200 }),
})
const state = fc.record({ pair: failures, account: failures, isKnownAddress: fc.boolean() })
const waitOf = (given: ThrottleState, now = NOW) => {
  const verdict = decideAttempt(given, now)
  return verdict.isAllowed ? 0 : verdict.waitMs
}

t.test('the decision about an attempt', async (t) => {
  await t.test('the first failures cost nothing', async () => {
    fc.assert(
      fc.property(
        fc.nat(PAIR_WALL.free - 1),
        fc.nat(ACCOUNT_WALL.free - 1),
        fc.boolean(),
        (pair, account, known) => {
          const given = {
            pair: { ...NONE, count: pair, lastAt: NOW },
            account: { ...NONE, count: account, lastAt: NOW },
            isKnownAddress: known,
          }
          return waitOf(given) === 0
        },
      ),
    )
  })

  await t.test('nobody ever waits for longer than a quarter of an hour, whatever the clocks do', async () => {
    fc.assert(fc.property(state, (given) => waitOf(given) <= PAIR_WALL.maxWaitMs))
  })

  await t.test(
    'an account alone never costs more than five seconds, and nothing at a known address',
    async () => {
      fc.assert(
        fc.property(failures, fc.boolean(), (account, isKnownAddress) => {
          const wait = waitOf({ pair: NONE, account, isKnownAddress })
          return wait <= (isKnownAddress ? 0 : ACCOUNT_WALL.maxWaitMs)
        }),
      )
    },
  )

  await t.test('another failure never makes the wait shorter', async () => {
    fc.assert(
      fc.property(state, fc.boolean(), (given, ofPair) => {
        const more = ofPair ? 'pair' : 'account'
        const worse = { ...given, [more]: { ...given[more], count: given[more].count + 1 } }
        return waitOf(worse) >= waitOf(given)
      }),
    )
  })

  await t.test('whoever waits as long as was said is let in, if nobody else is trying', async () => {
    fc.assert(
      fc.property(state, (given) => {
        const alone = {
          ...given,
          pair: { ...given.pair, underWay: 1, lastAt: Math.min(given.pair.lastAt, NOW) },
          account: { ...given.account, underWay: 1, lastAt: Math.min(given.account.lastAt, NOW) },
        }
        return waitOf(alone, NOW + waitOf(alone)) === 0
      }),
    )
  })

  await t.test('guesses in parallel are no more than guesses in turn', async () => {
    fc.assert(
      fc.property(fc.nat(50), fc.integer({ min: 2, max: 200 }), (count, underWay) => {
        const longAgo = NOW - PAIR_WALL.maxWaitMs
        const pair = { count, underWay, lastAt: longAgo }
        const isAllowed = waitOf({ pair, account: NONE, isKnownAddress: false }) === 0
        return isAllowed === underWay <= Math.max(1, PAIR_WALL.free - count)
      }),
    )
  })

  await t.test('many may enter at once from a known address, as long as none fails', async (t) => {
    const pair = { ...NONE, underWay: KNOWN_UNDER_WAY }
    t.equal(waitOf({ pair, account: NONE, isKnownAddress: true }), 0)
    t.ok(
      waitOf({ pair: { ...pair, underWay: KNOWN_UNDER_WAY + 1 }, account: NONE, isKnownAddress: true }) > 0,
    )
    t.ok(waitOf({ pair: { ...pair, count: 1, lastAt: NOW }, account: NONE, isKnownAddress: true }) > 0)
  })
})

/** Guesses all the time, each as soon as it may, and counts the guesses that were looked at. */
async function guess(addresses: number, durationMs: number): Promise<number> {
  const store = new MemoryThrottleStore()
  let guesses = 0
  const nextAt = Array.from({ length: addresses }, () => NOW)
  for (let step = 0; ; step++) {
    const who = nextAt.indexOf(Math.min(...nextAt))
    const now = nextAt[who] ?? NOW
    if (now > NOW + durationMs) return guesses
    const key = { account: 'a', address: String(who) }
    const given = await store.begin(key, String(step), now)
    const verdict = decideAttempt(given, now)
    if (verdict.isAllowed) guesses++
    await store.end(
      { ...key, id: String(step), isKnownAddress: false },
      verdict.isAllowed ? 'failed' : 'undecided',
      now,
    )
    nextAt[who] = now + (verdict.isAllowed ? 1 : verdict.waitMs)
  }
}

t.test('what a guesser gets out of it', async (t) => {
  t.ok((await guess(1, 24 * 3_600_000)) <= 120, 'a hundred guesses a day from one address')
  t.ok(
    (await guess(40, 600_000)) <= ACCOUNT_WALL.free + 3 + 600_000 / ACCOUNT_WALL.maxWaitMs,
    'from many addresses one in five seconds',
  )
})

type Step = ['begin', number] | ['end', number, AttemptResult] | ['wait', number]

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant<'begin'>('begin'), fc.nat(2)),
  fc.tuple(
    fc.constant<'end'>('end'),
    fc.nat(9),
    fc.constantFrom<AttemptResult>('succeeded', 'failed', 'undecided'),
  ),
  fc.tuple(fc.constant<'wait'>('wait'), fc.integer({ min: 1, max: 20_000 })),
)

/** Every state that the store tells on the way. */
async function replay(
  store: ThrottleStore,
  account: string,
  steps: readonly Step[],
): Promise<ThrottleState[]> {
  const states: ThrottleState[] = []
  const begun: Parameters<ThrottleStore['end']>[0][] = []
  let now = NOW
  for (const [index, action] of steps.entries()) {
    if (action[0] === 'wait') now += action[1]
    else if (action[0] === 'begin') {
      const key = { account, address: String(action[1]) }
      const told = await store.begin(key, String(index), now)
      states.push(told)
      begun.push({ ...key, id: String(index), isKnownAddress: told.isKnownAddress })
    } else {
      const attempt = begun[action[1]]
      if (attempt) await store.end(attempt, action[2], now)
    }
  }
  return states
}

t.test('Redis and the memory of one process count alike', async (t) => {
  const server = await startRedis(t)
  const redis = new Redis(server.url())
  t.teardown(() => redis.disconnect())
  const shared = new RedisThrottleStore(redis)
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const account = `run-${++runs}`
      const [a, b] = [
        await replay(shared, account, steps),
        await replay(new MemoryThrottleStore(), account, steps),
      ]
      // When the newest of no failures was says nothing.
      const failures = (told: Failures) => (told.count === 0 ? { ...told, lastAt: 0 } : told)
      // An account at a known address tells no attempts under way, since they do not matter.
      const shown = (told: ThrottleState) => [
        told.isKnownAddress,
        failures(told.pair),
        told.isKnownAddress ? told.account.count : failures(told.account),
      ]
      t.strictSame(a.map(shown), b.map(shown))
    }),
    { numRuns: 150 },
  )
})
