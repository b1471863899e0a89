import type { Pool } from 'pg'
import type { Log } from '@portcullis/service-kit'

/** Under this number of an advisory lock one instance at a time keeps house. */
const LOCK = 7_170_010

/** Drops at most so many of something, and tells how many there were. */
export type Prune = (limit: number) => Promise<number>

/** So much is dropped in one statement, so that none takes long. */
export const BATCH_SIZE = 2000

/** Drops what nobody needs any more, in one instance at a time. */
export class Housekeeping {
  readonly #pool: Pool
  readonly #prunes: Readonly<Record<string, Prune>>
  readonly #log: Pick<Log, 'info' | 'warn'>
  #isStopping = false
  #running: Promise<boolean> | undefined

  /** @param prunes what there is to drop, by name */
  constructor(pool: Pool, prunes: Readonly<Record<string, Prune>>, log: Pick<Log, 'info' | 'warn'>) {
    this.#pool = pool
    this.#prunes = prunes
    this.#log = log
  }

  /** Keeps house once; false if another instance was at it. Never rejects: what fails is tried again next time. */
  run(): Promise<boolean> {
    this.#running ??= this.#runAlone().finally(() => (this.#running = undefined))
    return this.#running
  }

  /** Begins no further batch, and waits for the one under way. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#running
  }

  async #runAlone(): Promise<boolean> {
    try {
      const client = await this.#pool.connect()
      let broken: Error | undefined
      const lost = (error: Error) => (broken = error)
      client.on('error', lost)
      try {
        const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [
          LOCK,
        ])
        if (rows[0]?.mine !== true) return false
        await this.#pruneAll()
        await client.query('select pg_advisory_unlock($1)', [LOCK]).catch(lost)
        return true
      } catch (error) {
        // The server may take the lock for a client that has given up waiting: it goes with the connection.
        broken = new Error('the connection may hold the lock', { cause: error })
        throw error
      } finally {
        client.off('error', lost)
        // With a broken connection the lock is gone as well.
        client.release(broken)
      }
    } catch (error) {
      this.#log.warn({ err: error }, 'housekeeping could not begin')
      return false
    }
  }

  async #pruneAll(): Promise<void> {
    const dropped: Record<string, number> = {}
    for (const [name, prune] of Object.entries(this.#prunes)) {
      try {
        const count = await this.#inBatches(prune)
        if (count > 0) dropped[name] = count
      } catch (error) {
        this.#log.warn({ err: error, what: name }, 'housekeeping failed')
      }
    }
    if (Object.keys(dropped).length > 0) this.#log.info({ dropped }, 'housekeeping')
  }

  async #inBatches(prune: Prune): Promise<number> {
    let count = 0
    let batch = BATCH_SIZE
    while (batch >= BATCH_SIZE && !this.#isStopping) {
      batch = await prune(BATCH_SIZE)
      count += batch
    }
    return count
  }
}
