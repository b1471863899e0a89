import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { comparePositions, type Position } from '@portcullis/schemas'
import type { Replica } from '@portcullis/token-verifier'
import type { Log, RedisClient } from '@portcullis/service-kit'
import type { DB } from '../database/tables.ts'
import type { Transact } from '../database/transaction.ts'
import { appendKeyEvent, raiseEpoch } from './epoch.ts'
import { isWithin, limitOf } from './plausible.ts'
import { endLost, findLost, revokeLost, type GiveUpKeys, type Lost } from './lost.ts'
import type { Serving } from './verifiers/serving.ts'
import { readStream } from './stream.ts'
import { restoreVerifiers } from './verifiers/queries.ts'

const START: Position = { epoch: 0, seq: 0 }
/** By this time every other instance has noticed the loss and ended what it knows of. */
const OTHERS_MS = 250

export interface HistoryOptions {
  readonly db: Kysely<DB>
  readonly transact: Transact
  readonly redis: RedisClient
  readonly replica: Replica
  readonly serving: Pick<Serving, 'entries'>
  /** Gets ready what gives up keys, in the transaction that it is called in. */
  readonly prepareKeys: () => Promise<GiveUpKeys>
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
  /** Whether the stream held what this instance had not known, and has not compared with the database yet. */
  #hasNews = false

  constructor(options: HistoryOptions) {
    this.#options = options
  }

  /**
   * Begins a new epoch, unless somebody else has done so since `epoch` was read. Calls at the same time are one.
   *
   * @param end where the stream ends, though nothing that can be read need be there any more
   * @throws Error if the database fails; to be called again then
   */
  async mend(reason: Rewritten, epoch: number, end: Position = START): Promise<void> {
    this.#mending ??= this.#mend(reason, epoch, end).finally(() => (this.#mending = undefined))
    await this.#mending
  }

  async #mend(reason: Rewritten, epoch: number, end: Position): Promise<void> {
    const { db, transact, replica, log } = this.#options
    log.error({ reason, epoch }, 'the database has lost a part of the revocation log')
    const limit = limitOf(await readHead(db))
    // First: nobody begins the epoch before OTHERS_MS have passed, and by then every instance has put back the verifiers it
    // knows.
    await this.#restoreVerifiers()
    const streamed = await this.#learnFromRedis(limit)
    const lost = await findLost(db, replica)
    await endLost(db, transact, lost)
    // Another instance may know of more, and ends it now.
    await sleep(OTHERS_MS)
    const places = [end, streamed, replica.position, { epoch: replica.epoch, seq: 0 }]
    const known = places.filter((place) => isWithin(place, limit))
    const beyond = {
      epoch: Math.max(...known.map((place) => place.epoch)),
      seq: Math.max(...known.map((place) => place.seq)),
    }
    const begun = await this.#raise(epoch, beyond, lost.kids)
    if (!begun) return this.reconcile()
    log.warn({ ...begun, ...counts(lost) }, 'a new epoch has begun, and what was known to be lost is ended')
  }

  /** Begins the epoch, unless another instance has been faster. */
  async #raise(epoch: number, beyond: Position, kids: readonly string[]): Promise<Position | undefined> {
    const { db, prepareKeys } = this.#options
    const giveUpKeys = await prepareKeys()
    return db.transaction().execute(async (trx) => {
      // Keys before the head, as everywhere.
      await giveUpKeys(trx, kids)
      const head = await trx
        .selectFrom('revocation_head')
        .select('epoch')
        .forUpdate()
        .executeTakeFirstOrThrow()
      if (head.epoch !== epoch) {
        for (const kid of kids) await appendKeyEvent(trx, kid)
        return undefined
      }
      return raiseEpoch(trx, beyond, kids)
    })
  }

  /**
   * For when another instance has begun a new epoch: puts back the verifiers and ends what it did not know of, by events
   * of that epoch, since tokens may have been issued in it meanwhile.
   */
  async reconcile(): Promise<void> {
    const { db, transact, replica, prepareKeys, log } = this.#options
    await this.#restoreVerifiers()
    const lost = await findLost(db, replica)
    const { sessions, users, clients, kids } = lost
    if (sessions.length + users.length + clients.length + kids.length === 0) return
    await revokeLost(transact, lost, await prepareKeys())
    log.warn(counts(lost), 'ended what the database had lost')
  }

  /**
   * To be called before events of an older epoch are dropped from the stream: the epoch may have been begun while Redis
   * was away, by an instance that did not know what they tell. In most cases all of it is known.
   */
  async learn(): Promise<void> {
    const { redis, replica } = this.#options
    const reader = replica.reader()
    for await (const events of readStream(redis)) {
      this.#hasNews ||= events.some(({ kind, key, value }) => (replica.held(kind, key) ?? -1) < value)
      reader.apply(events)
    }
    if (this.#hasNews) await this.reconcile()
    this.#hasNews = false
  }

  /**
   * Those who serve on without a row take tokens of the older epoch until they have reached the new one: what is revoked
   * in it waits for them.
   */
  async #restoreVerifiers(): Promise<void> {
    const { db, serving, log } = this.#options
    const count = await restoreVerifiers(db, serving.entries())
    if (count > 0) log.warn({ count }, 'put back verifiers that the database had lost')
  }

  /**
   * Merges what the stream holds into the replica.
   *
   * @returns where it ends within the limit, as far as it could be read
   */
  async #learnFromRedis(limit: Position): Promise<Position> {
    const { redis, replica, log } = this.#options
    const reader = replica.reader()
    let end = START
    try {
      for await (const events of readStream(redis)) {
        reader.apply(events)
        const last = events.findLast((event) => isWithin(event, limit))
        if (last && comparePositions(last, end) > 0) end = { epoch: last.epoch, seq: last.seq }
      }
    } catch (error) {
      log.warn({ err: error }, 'redis cannot say what the database has lost')
    }
    return end
  }
}

function readHead(db: Kysely<DB>): Promise<Position> {
  return db.selectFrom('revocation_head').select(['epoch', 'seq']).executeTakeFirstOrThrow()
}

/** For the log; keys and clients by their names, because somebody has to look after them. */
function counts({ sessions, users, clients, kids }: Lost): object {
  return { sessions: sessions.length, users: users.length, clients: clients.map(({ id }) => id), kids }
}
