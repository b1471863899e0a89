import { instant, elapsed, systemClock, type Clock, type Instant } from '../clock.ts'
import { StaleError } from '../errors.ts'
import { fetchJson, type Fetch } from '../fetch-json.ts'
import { httpUrl } from '../options.ts'
import { readFreshness, type Freshness } from './cache-control.ts'
import { readJwkSet, type Algorithm } from './jwk-set.ts'
import { Pause } from './pause.ts'
import type { KeySource } from './source.ts'

const UNKNOWN_COOLDOWN_MS = 30_000
const UNKNOWN_KEPT = 1000
const DEAD_KEPT = 1000
/** The set may have come from a cache, or from an instance that had not heard of the newest key. */
const UNKNOWN_KEPT_MS = 60_000
const LONGEST_RETRY_MS = 5000
/** While there are no keys at all, and so no token can be judged. */
const LONGEST_RETRY_WITHOUT_KEYS_MS = 250

export interface JwksOptions {
  url: string
  algorithm?: Algorithm | undefined
  /** Limit of one fetch, body included, for which requests may have to wait. Default 1000. */
  timeoutMs?: number | undefined
  /** For ages only. */
  clock?: Clock | undefined
  /** Milliseconds for the pace of fetches that fail; real time unless a test says otherwise. */
  pace?: (() => number) | undefined
  fetch?: Fetch | undefined
  /** Told of each fetch that failed. */
  onError?: ((error: unknown) => void) | undefined
}

/**
 * The issuer's keys, fetched from its JWK Set and kept as its `Cache-Control` allows. Used on while they are
 * fetched anew (stale-while-revalidate), and when that fails (stale-if-error), an hour at most. An unknown kid leads to one
 * fetch in 30 s, whoever asks, and to one after the log has named a key, since that has a successor; kids that were not
 * there are remembered for 60 s, up to 1000 of them.
 *
 * @throws TypeError if `url` is no URL of HTTP, or has a user and a password
 */
export function jwksKeys(options: JwksOptions): KeySource {
  httpUrl('url', options.url)
  return new JwksKeys(options)
}

interface Held {
  keys: Map<string, string>
  etag: string | null
  freshness: Freshness
  at: Instant
  /** How many keys the log had named when it was asked for. */
  named: number
}

class JwksKeys implements KeySource {
  readonly #options: JwksOptions
  readonly #clock: Clock
  readonly #pause: Pause
  readonly #closing = new AbortController()
  /** Kids that were not there, and when that was seen. */
  readonly #unknown = new Map<string, Instant>()
  /** Kids that the log has named, which a cache on the way to the issuer may go on to publish. */
  readonly #dead = new Set<string>()
  /** How many keys the log has named. */
  #named = 0
  #held: Held | undefined
  #fetching: Promise<void> | undefined
  #lookedForUnknown: Instant | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: JwksOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#pause = new Pause(options.pace ?? (() => performance.now()))
  }

  get ready(): boolean {
    return this.#held !== undefined
  }

  /** Fetches until it has succeeded once, so that the first request finds keys. */
  start(): void {
    void this.#refresh().catch(() => {
      if (this.#closing.signal.aborted || this.#held) return
      this.#timer = setTimeout(() => this.start(), Math.max(0, Math.ceil(this.#pause.left)))
      this.#timer.unref()
    })
  }

  close(): void {
    this.#closing.abort()
    clearTimeout(this.#timer)
  }

  find(kid: string): string | undefined | Promise<string | undefined> {
    if (this.#dead.size > 0 && this.#dead.has(kid)) return undefined
    const held = this.#held
    if (!held) return this.#refetched(kid)
    const age = elapsed(this.#clock, held.at) / 1000
    const { maxAge, staleWhileRevalidate } = held.freshness
    if (age >= maxAge + staleWhileRevalidate) return this.#refetched(kid)
    if (age >= maxAge) void this.#refresh().catch(() => undefined)
    return held.keys.get(kid) ?? this.#lookForUnknown(kid)
  }

  giveUp(kid: string): void {
    if (this.#dead.has(kid)) return
    this.#named += 1
    const [oldest] = this.#dead
    if (oldest !== undefined && this.#dead.size >= DEAD_KEPT) this.#dead.delete(oldest)
    this.#dead.add(kid)
  }

  /** The key after a fetch, or out of what is held if that fails and is not too old. */
  async #refetched(kid: string): Promise<string | undefined> {
    try {
      await this.#refresh()
    } catch {
      const held = this.#held
      if (!held) throw new StaleError('UNAVAILABLE', 'no keys could be fetched yet')
      const { maxAge, staleIfError } = held.freshness
      if (elapsed(this.#clock, held.at) / 1000 >= maxAge + staleIfError)
        throw new StaleError('UNAVAILABLE', 'the keys are too old and could not be fetched anew')
      // Whether there is such a key by now, nobody has told.
      if (!held.keys.has(kid))
        throw new StaleError('UNAVAILABLE', 'the key is unknown and the keys could not be fetched anew')
    }
    return this.#held?.keys.get(kid) ?? (this.#isBehind() ? this.#lookForUnknown(kid) : undefined)
  }

  #lookForUnknown(kid: string): undefined | Promise<string | undefined> {
    if (!this.#isBehind() && this.#isKnownToLack(kid)) return undefined
    return this.#refresh().then(
      () => {
        this.#lookedForUnknown = instant(this.#clock)
        const key = this.#held?.keys.get(kid)
        // The fetch was under way already when the log named a key.
        if (key === undefined && this.#isBehind()) return this.#lookForUnknown(kid)
        return key ?? this.#remember(kid)
      },
      () => {
        throw new StaleError('UNAVAILABLE', 'the key is unknown and the keys could not be fetched anew')
      },
    )
  }

  /** Whether a key has been replaced at once since the keys were fetched. */
  #isBehind(): boolean {
    return this.#held !== undefined && this.#held.named < this.#named
  }

  #isKnownToLack(kid: string): boolean {
    const missed = this.#unknown.get(kid)
    if (missed && elapsed(this.#clock, missed) < UNKNOWN_KEPT_MS) return true
    const since = this.#lookedForUnknown
    return !this.#fetching && since !== undefined && elapsed(this.#clock, since) < UNKNOWN_COOLDOWN_MS
  }

  #remember(kid: string): undefined {
    const [oldest] = this.#unknown.keys()
    if (oldest !== undefined && this.#unknown.size >= UNKNOWN_KEPT) this.#unknown.delete(oldest)
    this.#unknown.delete(kid)
    this.#unknown.set(kid, instant(this.#clock))
  }

  /** One fetch at a time, and after one that failed none for a while. */
  #refresh(): Promise<void> {
    if (this.#fetching) return this.#fetching
    if (this.#pause.left > 0) return Promise.reject(new Error('fetched in vain'))
    this.#fetching = this.#fetch()
      .then(
        ({ isOld }) => {
          if (isOld && this.#isBehind()) this.#pause.begin(LONGEST_RETRY_MS)
          else this.#pause.end()
        },
        (error: unknown) => {
          this.#pause.begin(this.#held ? LONGEST_RETRY_MS : LONGEST_RETRY_WITHOUT_KEYS_MS)
          if (!this.#closing.signal.aborted) this.#options.onError?.(error)
          throw error
        },
      )
      .finally(() => {
        this.#fetching = undefined
      })
    return this.#fetching
  }

  /** @returns whether the set still has a key that the log has named, and so may lack its successor */
  async #fetch(): Promise<{ readonly isOld: boolean }> {
    const { url, algorithm = 'ES256', timeoutMs = 1000, fetch } = this.#options
    const at = instant(this.#clock)
    const named = this.#named
    const etag = this.#held?.etag
    const answer = await fetchJson(url, {
      timeoutMs,
      fetch,
      headers: {
        ...(etag && { 'If-None-Match': etag }),
        // A cache on the way may have the set from before.
        ...(this.#isBehind() && { 'Cache-Control': 'no-cache' }),
      },
      signal: this.#closing.signal,
    })
    const held = answer.status === 304 ? this.#held : undefined
    if (!held && answer.status !== 200) throw new Error(`the JWK Set was answered with ${answer.status}`)
    const keys = held?.keys ?? readJwkSet(answer.body, algorithm)
    const isOld = Array.from(keys.keys()).some((kid) => this.#dead.has(kid))
    this.#held = {
      keys,
      etag: held ? held.etag : answer.headers.get('etag'),
      freshness: readFreshness(answer.headers),
      at,
      named: isOld ? (this.#held?.named ?? 0) : named,
    }
    if (!held) this.#unknown.clear()
    return { isOld }
  }
}
