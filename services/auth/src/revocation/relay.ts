import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import {
  comparePositions,
  formatPosition,
  type Head,
  type Position,
  type RevocationEvent,
} from '@portcullis/schemas'
import type { Log, RedisClient } from '@portcullis/service-kit'
import type { DB } from '../database/tables.ts'
import { readAcks } from './verifiers/acks.ts'
import { appendToRedis, carryToRedis, type Appended } from './append.ts'
import type { History } from './history.ts'
import { readLog } from './log.ts'
import type { Registrar } from './verifiers/registrar.ts'
import { Ticker } from './ticker.ts'
import { Unproven } from './unproven.ts'

const BEAT_EVERY_MS = 100
/** Delay of the next full step when the event has probably been carried already. */
const SOON_MS = 25
/** Its predecessor is usually being carried by another instance right now; trying again is quicker than a full step. */
const CARRY_ATTEMPTS = 3
const CARRY_PAUSE_MS = 2
/** Events that one append carries: few enough that Redis answers everybody else in time. */
const APPEND_LIMIT = 1000
/** How often in a row an append may get nowhere before the step is given up. */
const ATTEMPTS = 4
const START: Position = { epoch: 0, seq: 0 }

export interface RelayOptions {
  readonly db: Kysely<DB>
  readonly redis: RedisClient
  readonly registrar: Registrar
  readonly history: Pick<History, 'mend' | 'learn'>
  readonly log: Pick<Log, 'info' | 'warn'>
}

/**
 * Carries the log from PostgreSQL to Redis: ten times a second, and at once after a commit. Every instance of
 * auth runs one; since they append the same entries under the same ids, they do not need to know of each other.
 * Whatever Redis has lost is found missing at the next step and written again.
 */
export class Relay {
  readonly #options: RelayOptions
  readonly #ticker: Ticker
  /** Of the head that was last read. */
  #epoch = 0
  /** Where the stream ended when it was last seen. */
  #last: Position = START
  /** Up to here the stream was seen to hold the very events of the log. */
  #compared: Position = START
  /** Events beyond that, which this instance has appended itself. */
  readonly #carried = new Map<string, Position>()
  readonly #unproven = new Unproven()
  #isFailing = false

  constructor(options: RelayOptions) {
    this.#options = options
    this.#ticker = new Ticker(
      () => this.#step(),
      BEAT_EVERY_MS,
      (error) => this.#failed(error),
    )
  }

  /** Whether the last step has brought Redis up to the head of the log. */
  get isHealthy(): boolean {
    return !this.#isFailing
  }

  /** Resolves after the first step, whether Redis could be reached or not. */
  async start(): Promise<void> {
    await this.#step().catch((error: unknown) => this.#failed(error))
    this.#ticker.start()
  }

  /** Something was committed to the log. */
  poke(): void {
    this.#ticker.poke()
  }

  /** This instance has committed events: they are carried at once, and the beat follows. */
  async carry(events: readonly RevocationEvent[]): Promise<void> {
    this.#unproven.add(events)
    if (!(await this.#carry(events).catch(() => false))) return this.poke()
    this.#unproven.prove(events)
    for (const event of events) this.#carried.set(formatPosition(event), event)
    this.#ticker.pokeWithin(SOON_MS)
  }

  async #carry(events: readonly RevocationEvent[]): Promise<boolean> {
    for (let attempt = 1; attempt < CARRY_ATTEMPTS; attempt++) {
      if (await carryToRedis(this.#options.redis, events)) return true
      await sleep(CARRY_PAUSE_MS)
    }
    return carryToRedis(this.#options.redis, events)
  }

  /**
   * The position a follower of the stream must report to prove it has applied the event: nothing suffices before the
   * stream was seen to hold it, since something else may stand in its place, nor once a newer epoch has begun: the
   * event may have been committed after that, by a server that leads no more, about a token of the new epoch.
   */
  neededFor(position: Position): Position | undefined {
    if (this.#unproven.has(position)) return undefined
    const isHeld =
      comparePositions(this.#compared, position) >= 0 || this.#carried.has(formatPosition(position))
    if (!isHeld) return undefined
    return this.#compared.epoch > position.epoch ? undefined : position
  }

  /** Another instance has committed something, and carries it itself unless it has just died. */
  pokeSoon(): void {
    this.#ticker.pokeWithin(SOON_MS)
  }

  /** Carries what is left, and ends. */
  async stop(): Promise<void> {
    await this.#ticker.stop()
    await this.#step().catch((error: unknown) => this.#failed(error))
  }

  async #step(): Promise<void> {
    const { redis, registrar, log } = this.#options
    const prove = this.#unproven.look()
    // The order is the promise: a mark that is echoed was read before the head was, so whoever has applied this
    // head knows of every commit before it wrote the mark.
    const marks = await registrar.update(await readAcks(redis, await registrar.clientIds()))
    await this.#append(marks)
    prove()
    if (this.#isFailing) log.info({}, 'the revocation log reaches redis again')
    this.#isFailing = false
  }

  /** Appends what the stream lacks, in as many rounds as it takes. */
  async #append(read: Record<string, string>): Promise<void> {
    const { db, redis, registrar, history, log } = this.#options
    let marks = read
    let before: Appended = { status: 'behind', last: this.#last }
    for (let attempts = 0; attempts < ATTEMPTS; attempts++) {
      const from = comparePositions(this.#compared, this.#last) < 0 ? this.#compared : this.#last
      const { head, isSameHistory, events } = await readLog(db, from, APPEND_LIMIT)
      // What was seen of the log was committed before: a head that is read afterwards lies beyond it. The stream of an
      // epoch in which there is nothing yet ends in an older one.
      const seen = this.#last.epoch < this.#epoch ? { epoch: this.#epoch, seq: 0 } : this.#last
      const isBehind = comparePositions(head, seen) < 0
      if (!isSameHistory || isBehind) {
        await history.mend(isBehind ? 'behind redis' : 'another history', head.epoch, seen)
        continue
      }
      if (head.epoch !== this.#epoch) {
        // They stood in the table of the epoch before, perhaps in a database that is gone.
        registrar.distrustTable()
        marks = {}
        this.#epoch = head.epoch
      }
      const appended = await appendToRedis(redis, head, events, marks, before.status)
      const isCompared = this.#compare(appended, events, head)
      if (appended.status === 'ok' && isCompared) return
      // Another instance is faster, and says the beat. That it is not the database that is behind, the next read shows.
      if (appended.status === 'ahead' && before.status === 'ahead') return
      if (appended.status === 'conflict') await history.mend('unlike redis', head.epoch, this.#last)
      if (appended.status === 'older') await history.learn()
      if (appended.status === 'dropped')
        log.warn({}, 'the stream of revocations was damaged, and is written anew')
      if (comparePositions(appended.last, before.last) !== 0) attempts = 0
      before = appended
    }
    throw new Error(`the stream of revocations is ${before.status}`)
  }

  /**
   * Notes up to where the stream is known to hold the very events of the log. What it held at first contact is believed.
   *
   * @returns whether that is up to its end
   */
  #compare({ status, last }: Appended, events: readonly RevocationEvent[], head: Head): boolean {
    const newest = events.at(-1)
    const isFirst = this.#compared.epoch === 0
    const isAll = isFirst || events.length < APPEND_LIMIT
    this.#last = last
    if (status === 'ok' && isAll) this.#compared = { epoch: head.epoch, seq: head.seq }
    else if (['ok', 'behind', 'ahead'].includes(status) && newest?.epoch === last.epoch)
      this.#compared = { epoch: newest.epoch, seq: newest.seq }
    else if (comparePositions(last, this.#compared) < 0) {
      // It has lost its end, and what has been put there since is not known. Nor is anything in an older epoch, where
      // the stream may hold what ended it.
      this.#compared = last.epoch === this.#compared.epoch ? last : START
      this.#carried.clear()
    }
    for (const [text, position] of this.#carried)
      if (comparePositions(position, this.#compared) <= 0) this.#carried.delete(text)
    return isAll
  }

  #failed(error: unknown): void {
    this.#options.registrar.acksUnreadable()
    if (!this.#isFailing) this.#options.log.warn({ err: error }, 'the revocation log does not reach redis')
    this.#isFailing = true
  }
}
