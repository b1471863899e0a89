import type { Redis } from 'ioredis'
import type { Kysely } from 'kysely'
import { comparePositions, type Position } from '@portcullis/schemas'
import type { Replica } from '@portcullis/token-verifier'
import type { DB } from '../database/tables.ts'
import type { Transact } from '../database/transaction.ts'
import { raiseEpoch } from './epoch.ts'
import { endLost, findLost, revokeLost } from './lost.ts'
import { readStream } from './stream.ts'

interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface HistoryOptions {
  readonly db: Kysely<DB>
  readonly transact: Transact
  readonly redis: Redis
  readonly replica: Replica
  /** Gets ready what gives up signing keys, in the transaction that it is called in. */
  readonly prepareKeys: () => Promise<(trx: Kysely<DB>, kids: readonly string[]) => Promise<void>>
  readonly log: Log
}

/** Why the log is not to be trusted any more. */
export type Rewritten =
  /** The database is a promoted standby, or a restored backup on another cluster. */
  | 'another history'
  /** The database ends before a place that this instance has read there. */
  | 'behind the replica'
  /** The database has another event in a place that this instance has read there. */
  | 'unlike the replica'
  /** The database ends before the stream in Redis. */
  | 'behind redis'
  /** The database has another event in a place that the stream in Redis knows. */
  | 'unlike redis'

/**
 * What is done when PostgreSQL has lost commits: places in the log that verifiers know are about to be used
 * again. Whatever of it Redis or this instance still knows is done once more, and then a new epoch begins.
 */
export class History {
  readonly #options: HistoryOptions
  #mending: Promise<void> | undefined

  constructor(options: HistoryOptions) {
    this.#options = options
  }

  /**
   * Begins a new epoch, unless somebody else has done so since `epoch` was read. Calls at the same time are one.
   *
   * @throws Error if the database fails; to be called again then
   */
  async mend(reason: Rewritten, epoch: number): Promise<void> {
    this.#mending ??= this.#mend(reason, epoch).finally(() => (this.#mending = undefined))
    await this.#mending
  }

  async #mend(reason: Rewritten, epoch: number): Promise<void> {
    const { db, replica, prepareKeys, log } = this.#options
    log.error({ reason, epoch }, 'the database has lost a part of the revocation log')
    const streamed = await this.#learnFromRedis()
    const lost = await findLost(db, replica)
    await endLost(db, lost)
    const giveUpKeys = await prepareKeys()
    const begun = await db.transaction().execute(async (trx) => {
      await giveUpKeys(trx, lost.kids)
      const head = await trx
        .selectFrom('revocation_head')
        .select('epoch')
        .forUpdate()
        .executeTakeFirstOrThrow()
      if (head.epoch !== epoch) return undefined
      const known = [streamed, replica.position, { epoch: replica.epoch, seq: 0 }]
      return raiseEpoch(
        trx,
        {
          epoch: Math.max(...known.map((place) => place.epoch)),
          seq: Math.max(...known.map((place) => place.seq)),
        },
        lost.kids,
      )
    })
    const { sessions, users, clients, kids } = lost
    log.warn(
      {
        ...begun,
        sessions: sessions.length,
        users: users.length,
        clients: clients.map(({ id }) => id),
        kids,
      },
      begun
        ? 'a new epoch has begun, and what was known to be lost is ended'
        : 'another instance has begun an epoch',
    )
  }

  /**
   * For when another instance has begun a new epoch: ends what it did not know of. Sessions that were refreshed
   * meanwhile end by events of the new epoch.
   */
  async reconcile(): Promise<void> {
    const { db, transact, replica, log } = this.#options
    const lost = await findLost(db, replica)
    if (lost.sessions.length + lost.users.length === 0) return
    await revokeLost(transact, lost)
    log.warn({ sessions: lost.sessions.length, users: lost.users.length }, 'ended what the database had lost')
  }

  /** Merges what the stream holds into the replica. Where it ends, as far as it could be read. */
  async #learnFromRedis(): Promise<Position> {
    const { redis, replica, log } = this.#options
    const reader = replica.reader()
    let end: Position = { epoch: 0, seq: 0 }
    try {
      for await (const events of readStream(redis)) {
        reader.apply(events)
        const last = events.at(-1)
        if (last && comparePositions(last, end) > 0) end = { epoch: last.epoch, seq: last.seq }
      }
    } catch (error) {
      log.warn({ err: error }, 'redis cannot say what the database has lost')
    }
    return end
  }
}
