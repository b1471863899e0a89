import type { Clock } from '@portcullis/token-verifier'
import type { VerifierEntry } from './queries.ts'

/** The table is looked at every second: what was heard of a verifier since the last look is not known here. */
const UNSEEN_MS = 2000

interface Memory {
  readonly entry: VerifierEntry
  /** Monotonic times: when it was last heard, and when that was noted. */
  readonly heardAt: number
  readonly notedAt: number
}

/**
 * Verifiers that may still accept tokens, by what this instance has seen: whose marks it echoed, and who stood in the
 * table. A failover may lose rows of the table, and not those who go on serving without them.
 *
 * Only the monotonic clock is asked: were the wall clock set on, those would be forgotten who still serve.
 */
export class Serving {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #memories = new Map<string, Memory>()

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /**
   * This one stands in the table.
   *
   * @param heardAt monotonic time after which nobody has heard it
   */
  note(entry: VerifierEntry, heardAt = this.#clock.monotonic()): void {
    const before = this.#memories.get(entry.name)?.heardAt ?? heardAt
    this.#memories.set(entry.name, {
      entry,
      heardAt: Math.max(before, heardAt),
      notedAt: this.#clock.monotonic(),
    })
  }

  /** This one has left, and serves no more. */
  forget(name: string): void {
    this.#memories.delete(name)
  }

  /** Nobody else stood in the table when it was read, after `since`: the others have left, or are silent. */
  forgetOthers(present: Pick<ReadonlySet<string>, 'has'>, since: number): void {
    for (const [name, { notedAt }] of this.#memories)
      if (!present.has(name) && notedAt < since) this.#memories.delete(name)
  }

  /** Whoever can serve yet. */
  entries(): VerifierEntry[] {
    const now = this.#clock.monotonic()
    for (const [name, { entry, heardAt }] of this.#memories)
      if (now - heardAt > 1000 * entry.maxAge + UNSEEN_MS) this.#memories.delete(name)
    return Array.from(this.#memories.values(), ({ entry }) => entry)
  }
}
