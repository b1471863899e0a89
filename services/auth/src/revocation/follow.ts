import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Kysely } from 'kysely'
import {
  comparePositions,
  formatPosition,
  revocationKeys,
  type Ack,
  type Position,
  type RevocationEvent,
} from '@portcullis/schemas'
import { elapsed, instant, type Clock, type Instant, type Replica } from '@portcullis/token-verifier'
import type { Log, RedisClient } from '@portcullis/service-kit'
import type { DB } from '../database/tables.ts'
import { AUTH_CLIENT_ID } from './verifiers/admit.ts'
import type { History, Rewritten } from './history.ts'
import { READ_LIMIT, readLog, type LogRead } from './log.ts'
import { Ticker } from './ticker.ts'
import { Unproven } from './unproven.ts'
import {
  deleteVerifiers,
  insertVerifiers,
  renewVerifiers,
  updateVerifierPosition,
} from './verifiers/queries.ts'

const READ_EVERY_MS = 100
const RENEW_EVERY_MS = 400
const ACK_EVERY_MS = 250
const START: Position = { epoch: 0, seq: 0 }

export interface FollowerOptions {
  readonly db: Kysely<DB>
  /** Carries the acks; the database does while it is away. */
  readonly redis: RedisClient
  readonly replica: Replica
  readonly history: Pick<History, 'mend' | 'reconcile'>
  /** Signing keys were given up; what signs here has to know before this instance says that it does. */
  readonly onKeys: () => Promise<void>
  readonly clock: Clock
  readonly maxAgeSeconds: number
  readonly log: Pick<Log, 'warn'>
}

/**
 * Feeds auth's own replica, straight from PostgreSQL. An instance of auth verifies tokens like any resource
 * server, so it stands in the table of verifiers and says what it has applied.
 */
export class Follower {
  readonly instance = `auth-${randomUUID()}`
  readonly name = `${AUTH_CLIENT_ID}/${this.instance}`
  readonly #options: FollowerOptions
  readonly #ticker: Ticker
  /** The newest event that was read; it has to be there the next time too. */
  #last: RevocationEvent | undefined
  /** What this instance has committed since the log was last looked at. */
  #own: RevocationEvent[] = []
  #isNewsOfOthers = false
  #readAt: Instant | undefined
  #hasKeyNews = false
  /** Whether another instance has begun a new epoch, and may have known less than this one. */
  #hasToReconcile = false
  #reconciling: Promise<void> | undefined
  /** When this instance was last put into, or found in, the table. */
  #entered: Instant | undefined
  #acked: { position: Position; at: Instant } | undefined
  #stored: Position = START
  #marks = 0
  readonly #unproven = new Unproven()
  #isFailing = false

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#ticker = new Ticker(
      () => this.#step(),
      READ_EVERY_MS,
      (error) => this.#failed(error),
    )
  }

  /** Reads the log once; the replica serves when this resolves. */
  async start(): Promise<void> {
    await this.#step()
    this.#ticker.start()
  }

  /** Another instance has committed something to the log. */
  poke(): void {
    this.#isNewsOfOthers = true
    this.#ticker.poke()
  }

  /** This instance has committed these, in the order of the log. */
  committed(events: readonly RevocationEvent[]): void {
    this.#unproven.add(events)
    // Known from now on, though no position is claimed, so that a database that loses them is told of them.
    this.#options.replica.reader().apply(events)
    this.#own.push(...events)
    this.#ticker.poke()
  }

  /**
   * The position a reader of the log in PostgreSQL must report to prove it has applied the event. Undefined while another
   * event may stand in that place, and once a newer epoch has begun.
   */
  neededFor(position: Position): Position | undefined {
    if (this.#unproven.has(position)) return undefined
    return this.#options.replica.epoch > position.epoch ? undefined : position
  }

  /** To be called when no request is under way any more. */
  async stop(): Promise<void> {
    await this.#ticker.stop()
    await this.#reconciling
    await deleteVerifiers(this.#options.db, [this.name]).catch(() => undefined)
    await this.#options.redis.hdel(revocationKeys.ack(AUTH_CLIENT_ID), this.instance).catch(() => 0)
  }

  async #step(): Promise<void> {
    await this.#enter()
    if (!this.#applyOwn()) await this.#read()
    await this.#learnKeys()
    await this.#ack()
    this.#isFailing = false
  }

  async #enter(): Promise<void> {
    const { clock, db, maxAgeSeconds } = this.#options
    if (this.#entered && elapsed(clock, this.#entered) < RENEW_EVERY_MS) return
    const now = instant(clock)
    const [found] = await renewVerifiers(db, [this.name])
    if (found === undefined)
      await insertVerifiers(db, [{ name: this.name, clientId: AUTH_CLIENT_ID, maxAge: maxAgeSeconds }])
    this.#entered = now
  }

  /**
   * Applies what this instance has committed, if that is what comes next: there is nothing to read then. But what
   * others commit, and that nothing was lost, only reading tells.
   */
  #applyOwn(): boolean {
    const { clock, replica } = this.#options
    const own = this.#own.splice(0)
    const isDue = !this.#readAt || elapsed(clock, this.#readAt) >= READ_EVERY_MS
    if (own.length === 0 || isDue || this.#isNewsOfOthers) return false
    const [first] = own
    const { epoch, seq } = replica.position
    // Where the replica has been already, something else may have stood before the database lost it.
    if (first?.epoch !== epoch || first.seq !== seq + 1 || !replica.apply(own)) return false
    this.#unproven.prove(own)
    this.#remember(own)
    return true
  }

  #remember(events: readonly RevocationEvent[]): void {
    const before = this.#last
    this.#last = events.at(-1)
    // The last one is read again each time.
    const news = before ? events.filter((event) => comparePositions(event, before) > 0) : events
    this.#hasKeyNews ||= news.some((event) => event.kind === 'key')
  }

  async #learnKeys(): Promise<void> {
    if (this.#hasKeyNews) await this.#options.onKeys()
    this.#hasKeyNews = false
  }

  async #read(): Promise<void> {
    const { clock, maxAgeSeconds, replica } = this.#options
    const epoch = replica.epoch
    const asOf = instant(clock)
    const prove = this.#unproven.look()
    this.#readAt = asOf
    this.#isNewsOfOthers = false
    // A row stays for twice the greatest age. After a longer standstill it may be gone: what is read now does
    // not count before the row has been renewed.
    const isEntered = this.#entered && elapsed(clock, this.#entered) < maxAgeSeconds * 1000
    let isAgain = false
    for (;;) {
      const { head, events } = await this.#readTrusted()
      const isWhole = replica.apply(events)
      this.#remember(events)
      if (isWhole && events.length === READ_LIMIT) continue
      const outcome = replica.advance(head, isEntered ? asOf : undefined)
      if (outcome === 'covered' || isAgain) break
      // A new epoch, or a front that was dropped before it was read: once more from the front.
      isAgain = true
      replica.reload()
      this.#last = undefined
    }
    prove()
    this.#hasToReconcile ||= epoch !== 0 && replica.epoch > epoch
    if (this.#hasToReconcile) this.#reconciling ??= this.#reconcile()
  }

  /** Beside the reading, because it looks at every session there is. */
  async #reconcile(): Promise<void> {
    this.#hasToReconcile = false
    try {
      await this.#options.history.reconcile()
    } catch (error) {
      this.#hasToReconcile = true
      this.#failed(error)
    } finally {
      this.#reconciling = undefined
    }
  }

  /** What follows the last event, from a database that still has all that was read there before. */
  async #readTrusted(): Promise<LogRead> {
    const { db, history } = this.#options
    for (;;) {
      const read = await readLog(db, this.#last ?? START)
      const reason = this.#distrust(read)
      if (reason === undefined) return read
      await history.mend(reason, read.head.epoch)
    }
  }

  #distrust({ head, isSameHistory, events }: LogRead): Rewritten | undefined {
    const { replica } = this.#options
    if (!isSameHistory) return 'another history'
    if (head.epoch < replica.epoch || comparePositions(head, replica.position) < 0)
      return 'behind the replica'
    const last = this.#last
    if (!last || last.epoch !== head.epoch || last.seq <= head.base) return undefined
    return isDeepStrictEqual(events[0], last) ? undefined : 'unlike the replica'
  }

  async #ack(): Promise<void> {
    const { clock, db, maxAgeSeconds, redis, replica } = this.#options
    const { position } = replica
    const isMoved = !this.#acked || comparePositions(position, this.#acked.position) !== 0
    if (!isMoved && this.#acked && elapsed(clock, this.#acked.at) < ACK_EVERY_MS) return
    const ack: Ack = {
      state: 'live',
      mark: String(this.#marks++),
      position: formatPosition(position),
      max_age: maxAgeSeconds,
    }
    this.#acked = { position, at: instant(clock) }
    try {
      await redis.hset(revocationKeys.ack(AUTH_CLIENT_ID), this.instance, JSON.stringify(ack))
    } catch {
      if (comparePositions(position, this.#stored) === 0) return
      await updateVerifierPosition(db, this.name, position)
      this.#stored = position
    }
  }

  #failed(error: unknown): void {
    if (!this.#isFailing) this.#options.log.warn({ err: error }, 'the revocation log cannot be read')
    this.#isFailing = true
  }
}
