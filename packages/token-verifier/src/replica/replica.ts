import {
  isUserClaims,
  REVOCATION_KINDS,
  type AccessClaims,
  type Head,
  type Position,
  type RevocationEvent,
  type RevocationKind,
} from '@portcullis/schemas'
import { elapsed, systemClock, type Clock, type Instant } from '../clock.ts'
import { RevocationTable } from './table.ts'

/** More entries than this and the replica takes no more, which lets it grow too old to serve. */
export const MAX_ENTRIES = 2_000_000

/** `covered`: everything up to that head is held. `behind`: not all; read on, or all again. `refused`: no head of this log. */
export type Outcome = 'covered' | 'behind' | 'refused'

/** What was read of the log without a gap, since its front was last read. */
interface Run {
  from: number
  epoch: number
  to: number
}

/**
 * A copy of the revocation log in memory, fed by whoever reads it. Pure: no I/O and no timers.
 *
 * Entries are only merged, and dropped only by the head's `base`. Nothing that is applied, in whatever order
 * and however often, makes a revoked token good again; what is missing shows as age.
 */
export class Replica {
  readonly #clock: Clock
  readonly #maxEntries: number
  readonly #table = new RevocationTable()
  readonly #listeners = new Set<() => void>()
  #epoch = 0
  #position: Position = { epoch: 0, seq: 0 }
  #run: Run | undefined
  /** The epoch whose head the run has reached; in it, the end of the run is the position. */
  #settled: number | undefined
  #asOf: Instant | undefined

  constructor(options: { clock?: Clock; maxEntries?: number } = {}) {
    this.#clock = options.clock ?? systemClock
    this.#maxEntries = options.maxEntries ?? MAX_ENTRIES
  }

  /** Every event up to here is held; 0-0 before the first head was reached. */
  get position(): Position {
    return this.#position
  }

  /** Tokens of a lower epoch are dead. */
  get epoch(): number {
    return this.#epoch
  }

  get entries(): number {
    return this.#table.size
  }

  get full(): boolean {
    return this.#table.size >= this.#maxEntries
  }

  /** Milliseconds since the newest moment as of which every revocation is held; infinite before there is one. */
  age(): number {
    return this.#asOf ? Math.max(0, elapsed(this.#clock, this.#asOf)) : Infinity
  }

  /** To be called before the log is read again from its front. What is held stays. */
  reload(): void {
    this.#run = undefined
    this.#settled = undefined
  }

  /**
   * Merges events, in the order of the log.
   *
   * @returns false if one of them does not follow the one before it, or there is no room: the log has to be
   * read again from its front. The events are merged even so, as far as there is room.
   */
  apply(events: readonly RevocationEvent[]): boolean {
    let whole = true
    for (const event of events) {
      if (this.full) {
        whole = false
        break
      }
      const kind = REVOCATION_KINDS.indexOf(event.kind)
      this.#table.set(kind, event.key, event.value, event.seq, event.keep_until)
      whole = this.#extend(event) && whole
    }
    this.#move()
    for (const callback of this.#listeners) callback()
    return whole
  }

  /**
   * Hears what the head of the log is, or was at `asOf`. If the replica holds all up to it, its age counts
   * from `asOf`; a newer epoch kills the tokens of older ones at once.
   */
  advance(head: Head, asOf?: Instant): Outcome {
    if (head.base > head.seq || head.epoch < this.#epoch) return 'refused'
    if (head.epoch > this.#epoch) {
      this.#epoch = head.epoch
      // The events before the new epoch may not be those that were read: only a run begun from now on counts.
      if (this.#settled !== undefined) this.reload()
    }
    this.#table.drop(head.base, this.#clock.now())
    if (!this.#covers(head)) return 'behind'
    this.#settled = head.epoch
    this.#run ??= { from: head.seq + 1, epoch: head.epoch, to: head.seq }
    this.#run.epoch = head.epoch
    if (asOf && (!this.#asOf || asOf.monotonic > this.#asOf.monotonic)) this.#asOf = asOf
    this.#move()
    for (const callback of this.#listeners) callback()
    return 'covered'
  }

  /** Whether any of the token's claims, its key or its epoch is known to be revoked. Says nothing about age. */
  isRevoked(claims: AccessClaims, kid: string): boolean {
    if (this.isDisowned(claims, kid) || this.#value('token', claims.jti) >= 0) return true
    if (!isUserClaims(claims)) return this.#value('client', claims.client_id) > claims.ver
    return (
      this.#value('session', claims.sid) >= 0 ||
      this.#value('session_gen', claims.sid) > claims.gen ||
      this.#value('user', claims.sub) > claims.ver
    )
  }

  /** Whether the token is of an epoch or a key that the issuer stands by no more, whatever the token says. */
  isDisowned(claims: AccessClaims, kid: string): boolean {
    return claims.ep < this.#epoch || this.#value('key', kid) >= 0
  }

  /** Whether the position is at or after this one. */
  reached(position: Position): boolean {
    const own = this.#position
    return own.epoch > position.epoch || (own.epoch === position.epoch && own.seq >= position.seq)
  }

  /** Calls back each time the position or the age may have changed, until the function it returns is called. */
  onChange(callback: () => void): () => void {
    this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }

  #value(kind: RevocationKind, key: string): number {
    return this.#table.get(REVOCATION_KINDS.indexOf(kind), key)
  }

  #extend(event: RevocationEvent): boolean {
    const run = this.#run
    if (!run) {
      this.#run = { from: event.seq, epoch: event.epoch, to: event.seq }
      return true
    }
    // What is older than the run says nothing about its end; it has been merged, and that is all.
    if (event.epoch < run.epoch) return true
    if (event.seq > run.to + 1) return false
    run.to = event.epoch === run.epoch ? Math.max(run.to, event.seq) : event.seq
    run.epoch = event.epoch
    return true
  }

  #covers(head: Head): boolean {
    const run = this.#run
    if (!run) return head.base === head.seq
    return run.epoch <= head.epoch && run.from <= head.base + 1 && run.to >= head.seq
  }

  #move(): void {
    const run = this.#run
    if (!run || run.epoch !== this.#settled) return
    if (run.epoch === this.#position.epoch && run.to === this.#position.seq) return
    this.#position = { epoch: run.epoch, seq: run.to }
  }
}
