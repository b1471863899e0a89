import { formatPosition, type Position } from '@portcullis/schemas'

/** Nobody asks any more: an answer waits for a second. */
const KEPT_MS = 5000

interface Entry {
  /** How many looks had begun when the event was committed. */
  readonly looks: number
  /** By `performance.now()`. */
  readonly at: number
}

/**
 * Events that this instance has committed, and of which it has not seen yet that just they stand in their places. After
 * the database has lost commits a new event takes the place of a lost one, and whoever says that it has come so far may
 * mean the one that is lost.
 */
export class Unproven {
  readonly #entries = new Map<string, Entry>()
  #looks = 0

  add(events: readonly Position[]): void {
    const at = performance.now()
    for (const [place, entry] of this.#entries) {
      if (at - entry.at < KEPT_MS) break
      this.#entries.delete(place)
    }
    for (const event of events) this.#entries.set(formatPosition(event), { looks: this.#looks, at })
  }

  /** Whether it is not known yet what stands there. */
  has(position: Position): boolean {
    return this.#entries.has(formatPosition(position))
  }

  /** These very events have just been put there. */
  prove(events: readonly Position[]): void {
    for (const event of events) this.#entries.delete(formatPosition(event))
  }

  /**
   * A look at all that there is begins.
   *
   * @returns what to call when it has ended and found nothing amiss: that proves what had been committed before it
   */
  look(): () => void {
    this.#looks += 1
    const looks = this.#looks
    return () => {
      for (const [place, entry] of this.#entries) if (entry.looks < looks) this.#entries.delete(place)
    }
  }
}
