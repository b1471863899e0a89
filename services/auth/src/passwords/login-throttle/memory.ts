import { LRUCache } from 'lru-cache'
import { boundedTo } from '@portcullis/service-kit'
import type { ThrottleState } from './decide.ts'
import { ACCOUNT_WALL, KNOWN_MS, PAIR_WALL } from './decide.ts'
import {
  ATTEMPT_LIFE_MS,
  type Attempt,
  type AttemptKey,
  type AttemptResult,
  type ThrottleStore,
} from './store.ts'

/** How many accounts, and how many pairs, are remembered; beyond it those longest unseen are forgotten. */
const MAX_ENTRIES = 50_000

interface Entry {
  count: number
  lastAt: number
  knownUntil: number
  /** Id → when it began. */
  readonly underWay: Map<string, number>
}

/** Counts failures in this process: what is left while Redis is away. */
export class MemoryThrottleStore implements ThrottleStore {
  readonly #pairs = new LRUCache<string, Entry>(boundedTo(MAX_ENTRIES))
  readonly #accounts = new LRUCache<string, Entry>(boundedTo(MAX_ENTRIES))

  async begin(key: AttemptKey, id: string, now: number): Promise<ThrottleState> {
    const pair = entryOf(this.#pairs, pairKey(key))
    const account = entryOf(this.#accounts, key.account)
    const isKnownAddress = pair.knownUntil > now
    enter(pair, id, now)
    if (!isKnownAddress) enter(account, id, now)
    return { pair: shown(pair), account: shown(account), isKnownAddress }
  }

  async end(attempt: Attempt, result: AttemptResult, now: number): Promise<void> {
    const pair = entryOf(this.#pairs, pairKey(attempt))
    const account = entryOf(this.#accounts, attempt.account)
    pair.underWay.delete(attempt.id)
    account.underWay.delete(attempt.id)
    if (result === 'succeeded') {
      pair.count = 0
      pair.knownUntil = now + KNOWN_MS
    } else if (result === 'failed') {
      fail(pair, PAIR_WALL.forgetMs, now)
      if (!attempt.isKnownAddress) fail(account, ACCOUNT_WALL.forgetMs, now)
    }
  }
}

function pairKey({ account, address }: AttemptKey): string {
  return `${account} ${address}`
}

function entryOf(entries: LRUCache<string, Entry>, key: string): Entry {
  const known = entries.get(key)
  if (known) return known
  const entry = { count: 0, lastAt: 0, knownUntil: 0, underWay: new Map<string, number>() }
  entries.set(key, entry)
  return entry
}

function enter({ underWay }: Entry, id: string, now: number): void {
  // They are in the order in which they began.
  for (const [other, begunAt] of underWay) {
    if (begunAt > now - ATTEMPT_LIFE_MS) break
    underWay.delete(other)
  }
  underWay.set(id, now)
}

function fail(entry: Entry, forgetMs: number, now: number): void {
  if (now - entry.lastAt >= forgetMs) entry.count = 0
  entry.count += 1
  entry.lastAt = now
}

function shown({ count, lastAt, underWay }: Entry) {
  return { count, lastAt, underWay: underWay.size }
}
