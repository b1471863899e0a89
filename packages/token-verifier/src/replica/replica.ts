import {
  comparePositions,
  isUserClaims,
  REVOCATION_KINDS,
  type AccessClaims,
  type Head,
  type Position,
  type RevocationEvent,
  type RevocationKind,
} from '@portcullis/schemas'
import { elapsed, systemClock, type Clock, type Instant } from '../clock.ts'
import { LogReader, type Outcome } from './reader.ts'
import { RevocationTable } from './table.ts'

/** More entries than this and the replica takes no more, which lets it grow too old to serve. */
export const MAX_ENTRIES = 2_000_000

export interface ReplicaOptions {
  clock?: Clock | undefined
  /** Default `MAX_ENTRIES`. */
  maxEntries?: number | undefined
  /**
   * When it is full and a new epoch begins, what older epochs said is forgotten: their tokens are dead, and the keys that
   * were given up are named again. For who verifies, not for who looks for what the database has lost. Default false.
   */
  yieldsToEpochs?: boolean | undefined
}

/**
 * A copy of the revocation log in memory, fed by whoever reads it. Pure: no I/O and no timers.
 *
 * Entries are only merged, and dropped only by the head's `base`, or all of them by a new epoch when there is no room.
 * Nothing that is applied, in whatever order and however often, makes a revoked token good again; what is missing
 * shows as age, or as a position that has not reached the epoch of a token.
 */
export class Replica {
  readonly #clock: Clock
  readonly #maxEntries: number
  readonly #table = new RevocationTable()
  readonly #listeners = new Set<() => void>()
  readonly #keyListeners = new Set<(kid: string) => void>()
  readonly #reader: LogReader
  readonly #yieldsToEpochs: boolean
  #clears = 0
  #epoch = 0
  #position: Position = { epoch: 0, seq: 0 }
  #asOf: Instant | undefined

  constructor(options: ReplicaOptions = {}) {
    this.#clock = options.clock ?? systemClock
    this.#maxEntries = options.maxEntries ?? MAX_ENTRIES
    this.#yieldsToEpochs = options.yieldsToEpochs ?? false
    this.#reader = this.reader()
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

  /** Whether there is no room for more. */
  get full(): boolean {
    return this.#table.size >= this.#maxEntries
  }

  /** Milliseconds since the newest moment as of which every revocation is held; infinite before there is one. */
  age(): number {
    return this.#asOf ? Math.max(0, elapsed(this.#clock, this.#asOf)) : Infinity
  }

  /** See `LogReader.reload`; this and the next two are for a replica that the log reaches on one path only. */
  reload(): void {
    this.#reader.reload()
  }

  /** See `LogReader.apply`. */
  apply(events: readonly RevocationEvent[]): boolean {
    return this.#reader.apply(events)
  }

  /** See `LogReader.advance`. */
  advance(head: Head, asOf?: Instant): Outcome {
    return this.#reader.advance(head, asOf)
  }

  /** Another path by which the log comes in. */
  reader(): LogReader {
    return new LogReader({
      epoch: () => this.#epoch,
      clears: () => this.#clears,
      merge: (event) => this.#merge(event),
      hear: (head) => this.#hear(head),
      reach: (position, asOf) => this.#reach(position, asOf),
    })
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

  /**
   * The newest value held about a thing, or undefined if nothing is. For the log's writer, which asks what its
   * database has lost.
   */
  held(kind: RevocationKind, key: string): number | undefined {
    const value = this.#value(kind, key)
    return value >= 0 ? value : undefined
  }

  /** Whether everything up to this position is held. */
  reached(position: Position): boolean {
    return comparePositions(this.#position, position) >= 0
  }

  /** Calls back each time the position or the age may have changed, until the function it returns is called. */
  onChange(callback: () => void): () => void {
    this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }

  /** Calls back with the kid of each key that the log names as dead, until the function it returns is called. */
  onDeadKey(callback: (kid: string) => void): () => void {
    this.#keyListeners.add(callback)
    return () => this.#keyListeners.delete(callback)
  }

  #value(kind: RevocationKind, key: string): number {
    return this.#table.get(REVOCATION_KINDS.indexOf(kind), key)
  }

  #hear(head: Head): void {
    // Only a head tells of an epoch: what stands in an entry may be anything.
    if (this.#yieldsToEpochs && this.full && head.epoch > this.#epoch) this.#clear()
    this.#epoch = Math.max(this.#epoch, head.epoch)
    this.#table.drop(head.base, this.#clock.now())
  }

  /** Also what has been read of the new epoch by now, on whatever path; its readers begin again. */
  #clear(): void {
    this.#table.clear()
    this.#clears++
  }

  #merge(event: RevocationEvent): boolean {
    if (this.full) return false
    this.#table.set(REVOCATION_KINDS.indexOf(event.kind), event.key, event.value, event.seq, event.keep_until)
    if (event.kind === 'key') for (const callback of this.#keyListeners) callback(event.key)
    return true
  }

  #reach(position: Position, asOf?: Instant): void {
    if (!this.reached(position)) this.#position = position
    if (asOf && (!this.#asOf || asOf.monotonic > this.#asOf.monotonic)) this.#asOf = asOf
    for (const callback of this.#listeners) callback()
  }
}
