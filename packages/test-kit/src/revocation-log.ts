import {
  comparePositions,
  type Feed,
  type Head,
  type Position,
  type RevocationEvent,
  type RevocationKind,
} from '@portcullis/schemas'

const KEPT_MS = 65 * 60 * 1000

/** A revocation log in memory, in the place of auth's PostgreSQL. */
export class RevocationLog {
  readonly #now: () => number
  readonly #listeners = new Set<() => void>()
  #events: RevocationEvent[] = []
  #head: Head = { epoch: 1, seq: 0, base: 0 }

  constructor(now: () => number) {
    this.#now = now
  }

  get head(): Head {
    return this.#head
  }

  get events(): readonly RevocationEvent[] {
    return this.#events
  }

  append(kind: RevocationKind, key: string, value = 0): RevocationEvent {
    const at = this.#now()
    const event = {
      epoch: this.#head.epoch,
      seq: this.#head.seq + 1,
      kind,
      key,
      value,
      keep_until: at + KEPT_MS,
      at,
    }
    this.#events.push(event)
    this.#head = { ...this.#head, seq: event.seq }
    this.#changed()
    return event
  }

  /** Every token that was issued before is dead, and the log begins anew. */
  raiseEpoch(): void {
    this.#events = []
    this.#head = { epoch: this.#head.epoch + 1, seq: this.#head.seq, base: this.#head.seq }
    this.#changed()
  }

  /** Drops what is to be kept no longer from the front. */
  prune(): void {
    const kept = this.#events.findIndex((event) => event.keep_until > this.#now())
    const dropped = this.#events.splice(0, kept === -1 ? this.#events.length : kept)
    this.#head = { ...this.#head, base: dropped.at(-1)?.seq ?? this.#head.base }
    this.#changed()
  }

  feed(after: Position, mark: string | null): Feed {
    const events = this.#events.filter((event) => comparePositions(event, after) > 0)
    return { ...this.#head, events, more: false, mark }
  }

  /** Calls back after each change, until the function that it returns is called. */
  onChange(callback: () => void): () => void {
    this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }

  #changed(): void {
    for (const callback of this.#listeners) callback()
  }
}
