import type { Kysely } from 'kysely'
import { databaseErrorOf, type Log } from '@portcullis/service-kit'
import type { LoginFailure } from '@portcullis/schemas'
import type { DB } from '../database/tables.ts'
import type { Device } from '../sessions/device.ts'
import { insertFailedLogin, type FailedLogin } from './queries.ts'

/** How many failures may wait to be written; those beyond are not kept. */
const MAX_WAITING = 1000
const FOREIGN_KEY_VIOLATION = '23503'

interface Waiting {
  readonly login: FailedLogin
  readonly failedAt: number
}

/**
 * Writes failed logins into the history behind their answers, one at a time, so that a flood of failures costs
 * one connection and a bounded queue. (A success is written with its session, in one transaction.)
 */
export class LoginRecorder {
  readonly #db: Kysely<DB>
  readonly #log: Pick<Log, 'warn'>
  readonly #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  #dropped = 0

  constructor(db: Kysely<DB>, log: Pick<Log, 'warn'>) {
    this.#db = db
    this.#log = log
  }

  /** Notes that a login as this user has failed. Never throws, and never waits. */
  failed(userId: string, outcome: LoginFailure, device: Device): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#dropped++
      return
    }
    this.#waiting.push({ login: { userId, outcome, ...device }, failedAt: performance.now() })
    this.#writing ??= this.#write()
  }

  /** Waits until everything noted so far is written. */
  async flush(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    let failure: unknown
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      try {
        await this.#insert(next)
      } catch (error) {
        failure = error
        // Whatever else waits would wait for the same database.
        this.#dropped += 1 + this.#waiting.length
        this.#waiting.length = 0
      }
    }
    if (this.#dropped > 0)
      this.#log.warn({ dropped: this.#dropped, err: failure }, 'failed logins could not all be recorded')
    this.#dropped = 0
    this.#writing = undefined
  }

  async #insert({ login, failedAt }: Waiting): Promise<void> {
    try {
      // On a connection that is there already, so that nothing delays the insert after its age is taken.
      await this.#db
        .connection()
        .execute((db) => insertFailedLogin(db, login, (performance.now() - failedAt) / 1000))
    } catch (error) {
      // A user who was deleted meanwhile has no history.
      if (databaseErrorOf(error)?.code !== FOREIGN_KEY_VIOLATION) throw error
    }
  }
}
