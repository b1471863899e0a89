import { createHmac, randomUUID } from 'node:crypto'
import { deriveKey, problem, subscriberOf, type RedisClient } from '@portcullis/service-kit'
import { decideAttempt, type ThrottleState } from './throttle.ts'
import { MemoryThrottleStore } from './throttle-memory.ts'
import { RedisThrottleStore } from './throttle-redis.ts'
import type { AttemptKey, AttemptResult, ThrottleStore } from './throttle-store.ts'

/** After a failure Redis is not waited for again for so long, in ms. */
const PAUSE_MS = 1000

export interface LoginThrottleOptions {
  readonly redis: RedisClient
  /** Names of accounts are kept as HMAC under a key that is derived from it. */
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
  readonly #key: Buffer
  readonly #now: () => number
  #pausedUntil = 0

  constructor({ redis, secret, now }: LoginThrottleOptions) {
    this.#redis = redis
    this.#shared = new RedisThrottleStore(redis)
    this.#key = deriveKey(secret, 'login throttle')
    this.#now = now
  }

  /**
   * Looks at a password, unless there were too many failures with this account.
   *
   * @param name the account as it was called: the username or the email. It counts alike whether or not there is one.
   * @param ip where the attempt comes from
   * @param check whether the password is right; if it throws, the attempt does not count
   * @throws {ProblemError} AUTH_LOGIN_THROTTLED, and whatever `check` throws
   */
  async attempt(name: string, ip: string, check: () => Promise<boolean>): Promise<boolean> {
    const key = { account: this.#accountOf(name), address: subscriberOf(ip) }
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
      const isRight = await check()
      result = isRight ? 'succeeded' : 'failed'
      return isRight
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

  #accountOf(name: string): string {
    return createHmac('sha256', this.#key).update(name.toLowerCase()).digest('base64url').slice(0, 22)
  }
}
