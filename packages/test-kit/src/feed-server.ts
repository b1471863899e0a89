import {
  comparePositions,
  formatPosition,
  parsePosition,
  type Feed,
  type FeedQuery,
  type Position,
} from '@portcullis/schemas'
import type { RevocationLog } from './revocation-log.ts'

const POLL_MS = 500
const PATIENCE_MS = 5000
const START: Position = { epoch: 0, seq: 0 }

interface Follower {
  position: Position
  state: string | undefined
  /** The round in which it was last answered; see `refresh`. */
  round: number
}

/** Answers whoever follows the log, as auth does, and knows how far each of them is. */
export class FeedServer {
  readonly #log: RevocationLog
  readonly #followers = new Map<string, Follower>()
  readonly #listeners = new Set<() => void>()
  #round = 0

  constructor(log: RevocationLog) {
    this.#log = log
    log.onChange(() => this.#changed())
  }

  /** The answer to one question: at once if there is news, else when there is, or after half a second. */
  async answer(query: FeedQuery, signal: AbortSignal): Promise<Feed> {
    const after = parsePosition(query.after) ?? START
    const isNew = this.#note(query)
    // A verifier that hangs up is not waited for.
    signal.addEventListener('abort', () => this.#followers.delete(query.verifier ?? ''))
    if (!isNew && !this.#hasNews(after))
      await this.#until(() => this.#isBehindRound(query.verifier) || this.#hasNews(after), POLL_MS, signal)
    const follower = this.#followers.get(query.verifier ?? '')
    if (follower) follower.round = this.#round
    this.#changed()
    return this.#log.feed(after, query.mark ?? null)
  }

  /** Resolves when every verifier holds all up to there. @throws Error if one takes too long. */
  async settled(position: Position = this.#log.head): Promise<void> {
    const late = () => [...this.#followers].filter(([, f]) => comparePositions(f.position, position) < 0)
    await this.#until(() => late().length === 0, PATIENCE_MS)
    const [first] = late()
    if (first) throw new Error(`verifier ${first[0]} did not reach ${formatPosition(position)}`)
  }

  /**
   * Lets everybody know of the present at once. Up to four answers each: to the question that was waiting, to
   * two of a verifier that has to join again, and to one that shows that the answer before has arrived.
   */
  async refresh(): Promise<void> {
    for (let i = 0; i < 4; i++) {
      const round = ++this.#round
      this.#changed()
      await this.#until(() => [...this.#followers.values()].every((f) => f.round >= round), PATIENCE_MS)
    }
  }

  #hasNews(after: Position): boolean {
    return comparePositions(this.#log.head, after) > 0
  }

  #isBehindRound(verifier: string | undefined): boolean {
    const follower = this.#followers.get(verifier ?? '')
    return follower !== undefined && follower.round < this.#round
  }

  /** @returns whether it is to be answered at once, because it has just come or changed its state. */
  #note({ verifier, state, position }: FeedQuery): boolean {
    if (verifier === undefined) return false
    const known = this.#followers.get(verifier)
    if (state === 'leaving') this.#followers.delete(verifier)
    else {
      const reached = parsePosition(position ?? '') ?? START
      this.#followers.set(verifier, { position: reached, state, round: known?.round ?? this.#round })
    }
    this.#changed()
    return known?.state !== state
  }

  #until(condition: () => boolean, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#listeners.delete(look)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const look = () => {
        if (condition()) done()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done)
      this.#listeners.add(look)
      look()
    })
  }

  #changed(): void {
    for (const look of this.#listeners) look()
  }
}
