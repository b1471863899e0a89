import type { Redis } from 'ioredis'
import type { RedisClient } from '@portcullis/token-verifier/redis'
import { LRUCache } from 'lru-cache'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { boundedTo } from '../collections/bounded.ts'
import { Push } from './push.ts'
import { SharedTier } from './shared.ts'

/** What this process remembers is at most so far behind other instances, in ms. */
const MAX_BEHIND_MS = 100
/**
 * After Redis was away, instances have so long to tell what changed meanwhile before it is believed, in ms: longer than it
 * takes the last of them to connect again (a second between attempts, half a second for one) and to say it.
 */
const GRACE_MS = 2000
/** While other instances cannot be heard, a query is shared with those who ask within so many ms. */
const JOIN_MS = 50
const RETRY_MS = 50
/** An entry lives for so long whatever happens. */
const TTL_MS = 10_000
const MAX_ENTRIES = 10_000
const MAX_BYTES = 64 * 1024 * 1024
const MAX_TOPICS = 100_000
const MAX_PENDING = 1000
/** A topic of every entry: raised when there is more to raise than can be remembered. */
const EVERYTHING = '*'

const messages = Compile(Type.Array(Type.String(), { minItems: 2 }))

export interface CacheOptions {
  /** Separates caches that share a Redis. */
  readonly name: string
  readonly redis: RedisClient
  /** A second client, which subscribes where `cacheKey` is. The cache disconnects it at the end. */
  readonly subscriber: Redis
  readonly ttlMs?: number
  readonly now?: () => number
  /** Told of every read where its value came from. */
  readonly onRead?: (source: CacheSource) => void
}

/** This process, Redis, or the database. */
export type CacheSource = 'memory' | 'redis' | 'database'

/** What an entry depends on. Raising any of them makes it void. */
export type Topics = readonly [string] | readonly [string, string]

type AllTopics = readonly [string, string, string]

/** Begins every key of the cache, and says in which slot of a Cluster they are. */
export function cacheKey(name: string): string {
  return `{cache:${name}}`
}

interface Entry {
  readonly versions: readonly number[]
  readonly value: string
  /** The last change of any topic that it was found not to depend on. */
  currentAt: number | undefined
}

interface Flight {
  readonly versions: readonly number[]
  readonly startedAt: number
  readonly result: Promise<string | undefined>
}

/**
 * Remembers ready strings, in this process and in Redis, by topics: whoever changes something raises its topics
 * after the commit, and what depended on them is void: for the next read in this process at once, for other
 * instances within 100 ms. While Redis is away nothing is remembered and everything still works.
 */
export class Cache {
  readonly #shared: SharedTier
  readonly #push: Push
  readonly #now: () => number
  readonly #onRead: (source: CacheSource) => void
  readonly #entries: LRUCache<string, Entry>
  readonly #versions = new LRUCache<string, number>(boundedTo(MAX_TOPICS))
  readonly #flights = new Map<string, Flight>()
  readonly #pending = new Set<string>()
  #retry: NodeJS.Timeout | undefined
  #isRaising = false
  #counter = 0

  constructor(options: CacheOptions) {
    const { name, redis, subscriber, ttlMs = TTL_MS, now = () => performance.now() } = options
    const channel = channelOf(name)
    const key = cacheKey(name)
    this.#now = now
    this.#onRead = options.onRead ?? (() => undefined)
    this.#shared = new SharedTier({ redis, prefix: `${key}:`, channel, ttlMs, now })
    this.#entries = new LRUCache({
      max: MAX_ENTRIES,
      maxSize: MAX_BYTES,
      sizeCalculation: ({ value }) => value.length * 2 + 200,
      ttl: ttlMs,
    })
    this.#push = new Push({
      client: subscriber,
      channel,
      key: `${key}:push`,
      // Only reads make entries: after a ttl without a read there is none left to keep current.
      restMs: ttlMs,
      now,
      onMessage: (message) => this.#hear(message),
      onGap: () => this.#forget(),
    })
  }

  /**
   * The value of the key, from memory or by `load`, which reads it from the database. Undefined from `load` is
   * passed on and not remembered. Many who ask at once share one `load`. What this process has is given at once.
   */
  get(topics: Topics, key: string, load: () => Promise<string>): string | Promise<string>
  get(
    topics: Topics,
    key: string,
    load: () => Promise<string | undefined>,
  ): string | Promise<string | undefined>
  get(
    topics: Topics,
    key: string,
    load: () => Promise<string | undefined>,
  ): string | Promise<string | undefined> {
    const isPushed = this.#isPushed()
    const known = isPushed ? this.#known(topics, key) : undefined
    if (known !== undefined) return known

    const all = allOf(topics)
    const versions = all.map((topic) => this.#versionOf(topic))

    const flight = this.#flights.get(key)
    if (flight !== undefined && isSame(flight.versions, versions)) {
      if (isPushed || this.#now() - flight.startedAt < JOIN_MS) {
        this.#onRead('memory')
        return flight.result
      }
    }
    const result = this.#fetch(all, versions, key, load).finally(() => {
      if (this.#flights.get(key)?.result === result) this.#flights.delete(key)
    })
    this.#flights.set(key, { versions, startedAt: this.#now(), result })
    return result
  }

  /** The value of the key, if this process has it. */
  peek(topics: Topics, key: string): string | undefined {
    return this.#isPushed() ? this.#known(topics, key) : undefined
  }

  /** Makes void what depends on the topics. To be called and awaited between a commit and its answer. */
  async raise(...topics: string[]): Promise<void> {
    for (const topic of topics) this.#versions.set(topic, this.#newVersion())
    if (!(await this.#shared.raise(topics))) this.#raiseLater(topics)
  }

  close(): void {
    clearTimeout(this.#retry)
    this.#push.close()
  }

  /** Whether all is known here that others have changed, but for the last moment. */
  #isPushed(): boolean {
    return this.#push.age() <= MAX_BEHIND_MS
  }

  #known(topics: Topics, key: string): string | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    // Nothing of all has changed since, or nothing of its own.
    if (entry.currentAt !== this.#counter) {
      const versions = allOf(topics).map((topic) => this.#versionOf(topic))
      if (!isSame(entry.versions, versions)) return undefined
      entry.currentAt = this.#counter
    }
    this.#onRead('memory')
    return entry.value
  }

  async #fetch(
    topics: AllTopics,
    versions: readonly number[],
    key: string,
    load: () => Promise<string | undefined>,
  ): Promise<string | undefined> {
    const found = this.isShared ? await this.#shared.read(topics, key) : undefined
    this.#onRead(found?.value === undefined ? 'database' : 'redis')
    const value = found?.value ?? (await load())
    if (value === undefined) return undefined
    if (found !== undefined && found.value === undefined) this.#shared.write(key, found.stamp, value)
    this.#entries.set(key, { versions, value, currentAt: undefined })
    return value
  }

  /** Whether Redis is believed: all that this instance changed is known there, and others had time for theirs. */
  get isShared(): boolean {
    return (
      this.#shared.isUsable && this.#pending.size === 0 && !this.#isRaising && this.#push.uptime() >= GRACE_MS
    )
  }

  #raiseLater(topics: readonly string[]): void {
    for (const topic of topics) this.#pending.add(topic)
    if (this.#pending.size > MAX_PENDING) {
      this.#pending.clear()
      this.#pending.add(EVERYTHING)
    }
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined
      void this.#raisePending()
    }, RETRY_MS).unref()
  }

  async #raisePending(): Promise<void> {
    const topics = [...this.#pending]
    this.#pending.clear()
    this.#isRaising = true
    const raised = await this.#shared.raise(topics)
    this.#isRaising = false
    if (!raised) this.#raiseLater(topics)
    else if (this.#pending.size > 0) this.#raiseLater([])
  }

  #hear(message: string): void {
    const parsed = parse(message)
    if (!messages.Check(parsed)) return
    const [from, ...topics] = parsed
    if (from === this.#shared.id) return
    for (const topic of topics) this.#versions.set(topic, this.#newVersion())
  }

  #forget(): void {
    this.#versions.clear()
    this.#entries.clear()
  }

  /** A topic that is not known gets a version that no entry has. */
  #versionOf(topic: string): number {
    const known = this.#versions.get(topic)
    if (known !== undefined) return known
    const version = this.#newVersion()
    this.#versions.set(topic, version)
    return version
  }

  #newVersion(): number {
    this.#counter += 1
    return this.#counter
  }
}

/**
 * Makes void what depends on the topics in every instance, for a program that has no cache of its own.
 *
 * @param redis connected
 * @param name of the cache
 * @returns whether Redis was told; otherwise entries are void when they are ten seconds old
 */
export async function raiseTopics(
  redis: RedisClient,
  name: string,
  topics: readonly string[],
): Promise<boolean> {
  const now = () => performance.now()
  const options = { redis, prefix: `${cacheKey(name)}:`, channel: channelOf(name), ttlMs: TTL_MS, now }
  return new SharedTier(options).raise(topics)
}

function channelOf(name: string): string {
  return `cache:${name}`
}

function allOf(topics: Topics): AllTopics {
  return [EVERYTHING, topics[0], topics[1] ?? topics[0]]
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.every((version, index) => version === b[index])
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
