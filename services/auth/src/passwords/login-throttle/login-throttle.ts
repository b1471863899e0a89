import { createHmac, randomUUID } from 'node:crypto'
import { deriveKey, problem, subscriberOf, type RedisClient } from '@portcullis/service-kit'
import { decideAttempt, type ThrottleState } from './decide.ts'
import { MemoryThrottleStore } from './memory.ts'
import { RedisThrottleStore } from './redis.ts'
import type { AttemptKey, AttemptResult, ThrottleStore } from './store.ts'

/** How long Redis is not asked again after a failure. */
const PAUSE_MS = 1000

/**
 * What failures are counted by: the user, and what they go by, so that a new name is no new beginning; or, if
 * nobody has it, the name as it was typed. Username and email of a user count apart: together they would tell whether
 * a name and an email are one user's.
 */
export type ThrottledAccount =
  { readonly userId: string; readonly by: 'username' | 'email' } | { readonly name: string }

export interface LoginThrottleOptions {
  readonly redis: RedisClient
  /** Accounts are kept as HMAC under keys that are derived from it. */
  readonly secret: string
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/**
 * Refuses attempts with passwords after too many failures. Failures are counted in Redis, over all instances;
 * each also remembers what it saw itself, and goes by that at once while Redis is away.
 */
export class LoginThrottle {
  readonly #redis: RedisClient
  readonly #shared: ThrottleStore
  readonly #own = new MemoryThrottleStore()
  readonly #nameKey: Buffer
  readonly #userKey: Buffer
  readonly #now: () => number
  #pausedUntil = 0

  constructor({ redis, secret, now }: LoginThrottleOptions) {
    this.#redis = redis
    this.#shared = new RedisThrottleStore(redis)
    // Two keys, so that no name that somebody types is counted as the id of a user.
    this.#nameKey = deriveKey(secret, 'login throttle')
    this.#userKey = deriveKey(secret, 'login throttle of users')
    this.#now = now
  }

  /**
   * Looks at a password, unless there were too many failures with this account.
   *
   * @param ip where the attempt comes from
   * @param check what comes of the attempt; if it throws, that is `undecided`
   * @returns what `check` does
   * @throws {ProblemError} AUTH_LOGIN_THROTTLED, and whatever `check` throws
   */
  async attempt(
    account: ThrottledAccount,
    ip: string,
    check: () => Promise<AttemptResult>,
  ): Promise<AttemptResult> {
    const key = { account: this.#hmacOf(account), address: subscriberOf(ip) }
    const id = randomUUID()
    const { state, end } = await this.#begin(key, id)
    const verdict = decideAttempt(state, this.#now())
    if (!verdict.isAllowed) {
      void end('undecided')
      throw problem('AUTH_LOGIN_THROTTLED', {
        headers: { 'retry-after': String(Math.ceil(verdict.waitMs / 1000)) },
      })
    }
    let result: AttemptResult = 'undecided'
    try {
      result = await check()
      return result
    } finally {
      await end(result)
    }
  }

  async #begin(
    key: AttemptKey,
    id: string,
  ): Promise<{ state: ThrottleState; end: (result: AttemptResult) => Promise<void> }> {
    const own = await this.#own.begin(key, id, this.#now())
    const shared = await this.#ask(() => this.#shared.begin(key, id, this.#now()))
    const end = async (result: AttemptResult) => {
      const now = this.#now()
      await this.#own.end({ ...key, id, isKnownAddress: own.isKnownAddress }, result, now)
      if (shared)
        await this.#ask(() =>
          this.#shared.end({ ...key, id, isKnownAddress: shared.isKnownAddress }, result, now),
        )
    }
    return { state: shared ?? own, end }
  }

  /** What Redis answers, or undefined while it is away. */
  async #ask<T>(ask: () => Promise<T>): Promise<T | undefined> {
    if (this.#redis.status !== 'ready' || performance.now() < this.#pausedUntil) return undefined
    try {
      return await ask()
    } catch {
      this.#pausedUntil = performance.now() + PAUSE_MS
      return undefined
    }
  }

  #hmacOf(account: ThrottledAccount): string {
    const [key, text] =
      'name' in account
        ? [this.#nameKey, account.name.toLowerCase()]
        : [this.#userKey, `${account.by} ${account.userId}`]
    return createHmac('sha256', key).update(text).digest('base64url').slice(0, 22)
  }
}
