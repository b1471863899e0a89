import type { Redis } from 'ioredis'
import type { Kysely } from 'kysely'
import { comparePositions, type Position } from '@portcullis/schemas'
import type { DB } from '../database/tables.ts'
import { appendToRedis } from './append.ts'
import { readAcks } from './acks.ts'
import { readLog } from './log.ts'
import type { Registrar } from './registrar.ts'
import { Ticker } from './ticker.ts'

const BEAT_EVERY_MS = 100
const START: Position = { epoch: 0, seq: 0 }

interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * Carries the log from PostgreSQL to Redis: ten times a second, and at once after a commit. Every instance of
 * auth runs one; since they append the same entries under the same ids, they do not need to know of each other.
 * Whatever Redis has lost is found missing at the next step and written again.
 */
export class Relay {
  readonly #db: Kysely<DB>
  readonly #redis: Redis
  readonly #registrar: Registrar
  readonly #log: Log
  readonly #ticker: Ticker
  /** Where the stream ended when it was last seen. */
  #last: Position = START
  #isFailing = false

  constructor(db: Kysely<DB>, redis: Redis, registrar: Registrar, log: Log) {
    this.#db = db
    this.#redis = redis
    this.#registrar = registrar
    this.#log = log
    this.#ticker = new Ticker(
      () => this.#step(),
      BEAT_EVERY_MS,
      (error) => this.#failed(error),
    )
  }

  start(): void {
    this.#ticker.start()
  }

  /** Something was committed to the log. */
  poke(): void {
    this.#ticker.poke()
  }

  async stop(): Promise<void> {
    await this.#ticker.stop()
  }

  async #step(): Promise<void> {
    // The order is the promise: a mark that is echoed was read before the head was, so whoever has applied this
    // head knows of every commit before it wrote the mark.
    const marks = await this.#registrar.note(await readAcks(this.#redis, await this.#registrar.clientIds()))
    let isBehind = true
    while (isBehind) isBehind = await this.#append(marks)
    if (this.#isFailing) this.#log.info({}, 'the revocation log reaches redis again')
    this.#isFailing = false
  }

  /** Appends what the stream lacks, as far as one read goes. Whether there may be more. */
  async #append(marks: Record<string, string>): Promise<boolean> {
    const { head, events, firstKept } = await readLog(this.#db, this.#last)
    const appended = await appendToRedis(this.#redis, head, events, firstKept, marks)
    const isMoved = comparePositions(appended.last, this.#last) !== 0
    this.#last = appended.last
    if (appended.status === 'conflict') throw new Error('the stream holds another event under the same id')
    // Behind or with a hole, the stream has lost entries, or another instance is faster: read from where it ends.
    return appended.status !== 'ok' && isMoved
  }

  #failed(error: unknown): void {
    this.#registrar.deaf()
    if (!this.#isFailing) this.#log.warn({ err: error }, 'the revocation log does not reach redis')
    this.#isFailing = true
  }
}
