import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'

/** How many callers are counted at once; beyond it the longest unseen is forgotten. */
const MAX_CALLERS = 50_000
/** How often what was counted here is added up in Redis, in ms. */
const SETTLE_INTERVAL_MS = 100
/** After a failure Redis is not waited for again for so long, in ms. */
const PAUSE_MS = 1000
const BATCH_SIZE = 1000

/**
 * Adds to a caller's count and says how much there is and for how many ms. The first of a window sets its end.
 */
const ADD = `
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  ttl = tonumber(ARGV[2])
end
return {count, ttl}`

interface Caller {
  readonly key: string
  /** End of the window, on the clock of `now()`. */
  until: number
  /** What Redis has counted, over all instances, when it was last asked. */
  settled: number
  /** What was counted here since. */
  pending: number
  /** The part of `pending` that is on its way to Redis. */
  sent: number
}

export interface Count {
  readonly current: number
  /** Left of the window, in ms. */
  readonly ttl: number
}

export interface CounterOptions {
  /** Undefined counts in this process only. */
  readonly redis?: Redis | undefined
  readonly prefix: string
  readonly now?: () => number
}

/**
 * Counts requests by caller in fixed windows, over all instances that share the Redis.
 *
 * A request is counted here at once, and what was counted is added up in Redis ten times a second, so that no
 * request costs a round trip of its own. Only a caller who has used more than a quarter of what was left to it
 * since its count was last settled waits for Redis. Instances that together are asked for more than the limit
 * therefore let at most (instances - 1) / 4 of it pass beyond it, and usually far less.
 *
 * While Redis is away each instance counts for itself; what it counted is added when Redis is back.
 */
export class RequestCounter {
  readonly #redis: Redis | undefined
  readonly #prefix: string
  readonly #now: () => number
  readonly #callers = new LRUCache<string, Caller>({
    max: MAX_CALLERS,
    dispose: (caller) => this.#unsettled.delete(caller),
  })
  readonly #unsettled = new Set<Caller>()
  #settling: Promise<void> | undefined
  #pausedUntil = 0
  #timer: NodeJS.Timeout | undefined

  constructor({ redis, prefix, now = () => performance.now() }: CounterOptions) {
    this.#redis = redis
    this.#prefix = prefix
    this.#now = now
  }

  /** Counts one request of the caller. Never rejects. */
  async add(key: string, windowMs: number, max: number): Promise<Count> {
    const caller = this.#find(key, windowMs)
    if (caller.settled + caller.pending < max + 1) {
      caller.pending += 1
      this.#unsettled.add(caller)
      this.#settleSoon()
      const allowance = Math.max(1, Math.floor((max - caller.settled) / 4))
      if (caller.pending > allowance && this.#isUsable()) await this.#settle()
    }
    return {
      current: caller.settled + caller.pending,
      ttl: Math.max(1, Math.ceil(caller.until - this.#now())),
    }
  }

  /** Sends what has not been counted in Redis yet, and stops. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    if (this.#isUsable()) await this.#settle()
    clearTimeout(this.#timer)
  }

  #find(key: string, windowMs: number): Caller {
    const now = this.#now()
    const known = this.#callers.get(key)
    if (known !== undefined && known.until > now) return known
    const caller = { key, until: now + windowMs, settled: 0, pending: 0, sent: 0 }
    this.#callers.set(key, caller)
    return caller
  }

  #isUsable(): boolean {
    return this.#redis?.status === 'ready' && this.#now() >= this.#pausedUntil
  }

  #settleSoon(): void {
    if (this.#timer !== undefined || this.#redis === undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#isUsable()) void this.#settle()
      else if (this.#unsettled.size > 0) this.#settleSoon()
    }, SETTLE_INTERVAL_MS).unref()
  }

  /** One batch at a time; who comes while one is under way waits for the next, which has its request in it. */
  async #settle(): Promise<void> {
    while (this.#settling !== undefined) await this.#settling
    if (this.#unsettled.size === 0) return
    this.#settling = this.#send().finally(() => {
      this.#settling = undefined
    })
    await this.#settling
  }

  async #send(): Promise<void> {
    const now = this.#now()
    const batch: Caller[] = []
    for (const caller of this.#unsettled) {
      this.#unsettled.delete(caller)
      if (caller.until <= now) continue
      caller.sent = caller.pending
      batch.push(caller)
      if (batch.length === BATCH_SIZE) break
    }
    if (batch.length === 0 || this.#redis === undefined) return

    const pipeline = this.#redis.pipeline()
    for (const { key, sent, until } of batch) {
      pipeline.eval(ADD, 1, this.#prefix + key, sent, Math.max(1, Math.ceil(until - now)))
    }
    const replies = await pipeline.exec().catch(() => null)
    for (const [index, caller] of batch.entries()) this.#apply(caller, replies?.[index])
    if (this.#unsettled.size > 0) this.#settleSoon()
  }

  #apply(caller: Caller, reply: [error: Error | null, result: unknown] | undefined): void {
    const sent = caller.sent
    caller.sent = 0
    const [count, ttl] = reply?.[0] === null && Array.isArray(reply[1]) ? reply[1].map(Number) : []
    if (count === undefined || ttl === undefined) {
      this.#pausedUntil = this.#now() + PAUSE_MS
      this.#unsettled.add(caller)
      return
    }
    caller.pending -= sent
    // A Redis that lost its data knows less than this instance does.
    caller.settled = Math.max(caller.settled + sent, count)
    caller.until = this.#now() + ttl
  }
}
