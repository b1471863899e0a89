import { randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { boundedTo } from '../collections/bounded.ts'
import { sendAll, type RedisClient } from '../stores/redis-client.ts'

/** How many callers are counted at once; beyond it the longest unseen is forgotten. */
const MAX_CALLERS = 50_000
/** How often what was counted here is added up in Redis, in ms. */
const SETTLE_INTERVAL_MS = 100
/** After a failure Redis is not waited for again for so long, in ms. */
const PAUSE_MS = 1000
const BATCH_SIZE = 1000
/** The last batches have so long together, in ms. */
const CLOSE_MS = 1000

/**
 * Says what this instance has counted of a caller, and tells how much all have and for how many ms. The first of a
 * window sets its end. Saying it twice, as after a lost answer, counts nothing twice.
 *
 * KEYS: hash of the caller. ARGV: instance, its count, ms.
 */
const SETTLE = `
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
local count = 0
for _, part in ipairs(redis.call('HVALS', KEYS[1])) do count = count + tonumber(part) end
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  ttl = tonumber(ARGV[3])
end
return {count, ttl}`

interface Caller {
  readonly key: string
  /** End of the window, on the clock of `now()`. */
  until: number
  /** Counted here. */
  own: number
  /** Of these, what Redis has been told. */
  told: number
  /** Counted by the other instances, as far as Redis has told. */
  foreign: number
}

export interface Count {
  readonly current: number
  /** Left of the window, in ms. */
  readonly ttl: number
}

export interface CounterOptions {
  /** Undefined counts in this process only. */
  readonly redis?: RedisClient | undefined
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
  readonly #redis: RedisClient | undefined
  readonly #prefix: string
  readonly #now: () => number
  readonly #instance = randomUUID()
  readonly #callers = new LRUCache<string, Caller>({
    ...boundedTo(MAX_CALLERS),
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

  /**
   * Counts one request of the caller, who is far from the limit: undefined, and nothing is counted, if that cannot
   * be told without asking Redis.
   */
  addAtOnce(key: string, windowMs: number, max: number): Count | undefined {
    const now = this.#now()
    const caller = this.#find(key, windowMs, now)
    if (caller.foreign + caller.own >= max || this.#isToAsk(caller, max)) return undefined
    this.#count(caller)
    return placeOf(caller, caller.foreign + caller.own, now)
  }

  /** Counts one request of the caller; waits only where Redis has to be asked. Never rejects. */
  add(key: string, windowMs: number, max: number): Count | Promise<Count> {
    const now = this.#now()
    const caller = this.#find(key, windowMs, now)
    if (caller.foreign + caller.own > max) return placeOf(caller, max + 1, now)
    const isToAsk = this.#isToAsk(caller, max)
    this.#count(caller)
    const { own } = caller
    if (!isToAsk) return placeOf(caller, caller.foreign + own, now)
    return this.#settle().then(() => placeOf(caller, caller.foreign + own, this.#now()))
  }

  /** Whether the next request takes the caller beyond what it may use without Redis. */
  #isToAsk({ foreign, own, told }: Caller, max: number): boolean {
    const allowance = Math.max(1, Math.floor((max - foreign - told) / 4))
    return own + 1 - told > allowance && this.#isUsable()
  }

  #count(caller: Caller): void {
    caller.own += 1
    this.#unsettled.add(caller)
    this.#settleSoon()
  }

  /** Sends what has not been counted in Redis yet, as far as Redis takes it in time, and stops. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    const deadline = this.#now() + CLOSE_MS
    while (this.#unsettled.size > 0 && this.#isUsable() && this.#now() < deadline) await this.#settle()
    clearTimeout(this.#timer)
  }

  #find(key: string, windowMs: number, now: number): Caller {
    const known = this.#callers.get(key)
    if (known !== undefined && known.until > now) return known
    const caller = { key, until: now + windowMs, own: 0, told: 0, foreign: 0 }
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

  /**
   * One batch at a time; who comes while one is under way waits for the next, which has its request in it. If the one
   * before has failed, nobody waits any more.
   */
  async #settle(): Promise<void> {
    while (this.#settling !== undefined) await this.#settling
    if (this.#unsettled.size === 0 || !this.#isUsable()) return
    this.#settling = this.#send().finally(() => {
      this.#settling = undefined
    })
    await this.#settling
  }

  async #send(): Promise<void> {
    const now = this.#now()
    const batch: { readonly caller: Caller; readonly own: number }[] = []
    for (const caller of this.#unsettled) {
      this.#unsettled.delete(caller)
      if (caller.until > now) batch.push({ caller, own: caller.own })
      if (batch.length === BATCH_SIZE) break
    }
    if (batch.length === 0 || this.#redis === undefined) return

    const replies = await sendAll(this.#redis, batch, (pipeline, { caller, own }) => {
      const ttl = Math.max(1, Math.ceil(caller.until - now))
      pipeline.eval(SETTLE, 1, this.#prefix + caller.key, this.#instance, own, ttl)
    })
    for (const [index, { caller, own }] of batch.entries()) this.#apply(caller, own, replies[index])
    if (this.#unsettled.size > 0) this.#settleSoon()
  }

  #apply(caller: Caller, own: number, reply: [error: Error | null, result: unknown] | undefined): void {
    const [count, ttl] = reply?.[0] === null && Array.isArray(reply[1]) ? reply[1].map(Number) : []
    if (count === undefined || ttl === undefined) {
      this.#pausedUntil = this.#now() + PAUSE_MS
      this.#unsettled.add(caller)
      return
    }
    caller.told = own
    // A Redis that lost its data knows less than this instance does.
    caller.foreign = Math.max(caller.foreign, count - own)
    caller.until = this.#now() + ttl
  }
}

function placeOf({ until }: Caller, current: number, now: number): Count {
  return { current, ttl: Math.max(1, Math.ceil(until - now)) }
}
