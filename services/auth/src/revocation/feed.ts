import type { Kysely } from 'kysely'
import {
  comparePositions,
  parsePosition,
  type Feed as FeedAnswer,
  type FeedQuery,
  type Position,
} from '@portcullis/schemas'
import { problem } from '@portcullis/service-kit'
import type { DB } from '../database/tables.ts'
import type { News } from '../database/news.ts'
import { MAX_VERIFIERS_OF_CLIENT } from './verifiers/admit.ts'
import { READ_LIMIT, readLog, type LogRead } from './log.ts'
import type { Serving } from './verifiers/serving.ts'
import { deleteVerifiers, insertVerifiers, renewVerifierAt } from './verifiers/queries.ts'

/** How long an answer waits for news, in milliseconds. */
const WAIT_MS = 500
/** How many verifiers are remembered with what they last said; the oldest are forgotten first. */
const MAX_STATES = 10_000
/** Soon enough for one that starts while others leave. */
const RETRY_FULL_SECONDS = 2
const START: Position = { epoch: 0, seq: 0 }

/** A question that is a verifier's ack as well. */
export interface FeedAck {
  readonly clientId: string
  /** `<client id>/<instance>`. */
  readonly name: string
  readonly state: NonNullable<FeedQuery['state']>
  readonly maxAge: number
  readonly position: Position
}

interface FeedOptions {
  readonly db: Kysely<DB>
  /** Commits to the log. */
  readonly news: News
  readonly serving: Pick<Serving, 'note' | 'forget'>
  /** A verifier said how far it is. */
  readonly onProgress: (name: string, position: Position) => void
}

/** The log for verifiers that have no Redis, straight from PostgreSQL. Their questions are their acks. */
export class Feed {
  readonly #options: FeedOptions
  /** What a verifier last said of itself here; whoever says something new is answered without waiting. */
  readonly #states = new Map<string, FeedAck['state']>()

  constructor(options: FeedOptions) {
    this.#options = options
  }

  /**
   * Answers a question, after at most half a second if there is nothing new. A mark that came with an ack is in
   * the answer only once its verifier stands in the table of those who are asked.
   *
   * @throws {ProblemError} AUTH_VERIFIERS_FULL if the verifier's client has too many of them, AUTH_TOKEN_INVALID if it
   * has just lost the right to read the log
   */
  async answer(after: Position, mark: string | undefined, ack: FeedAck | undefined): Promise<FeedAnswer> {
    const { db, news } = this.#options
    const isNew = ack !== undefined && (await this.#takeAck(ack))
    const from = { epoch: after.epoch, seq: after.seq + 1 }
    const seen = news.count
    let read = await readLog(db, from)
    if (!isNew && !hasNews(read, ack)) {
      await news.after(seen, WAIT_MS)
      read = await readLog(db, from)
    }
    const { head, events } = read
    const last = events.at(-1)
    const isCut = events.length === READ_LIMIT && last !== undefined && last.seq < head.seq
    return { ...head, events, more: isCut, mark: mark ?? null }
  }

  /** Brings the table up to what a verifier says. @returns whether it is something else than the last time */
  async #takeAck(ack: FeedAck): Promise<boolean> {
    const { db, serving, onProgress } = this.#options
    if (ack.state === 'leaving') {
      serving.forget(ack.name)
      await deleteVerifiers(db, [ack.name])
      return true
    }
    if (!(await renewVerifierAt(db, ack))) await this.#join(ack)
    const { name, clientId, maxAge } = ack
    serving.note({ name, clientId, maxAge })
    onProgress(ack.name, ack.position)
    const isNew = this.#states.get(ack.name) !== ack.state
    this.#states.delete(ack.name)
    this.#states.set(ack.name, ack.state)
    const [oldest] = this.#states.keys()
    if (this.#states.size > MAX_STATES && oldest !== undefined) this.#states.delete(oldest)
    return isNew
  }

  async #join(ack: FeedAck): Promise<void> {
    const { present, full } = await insertVerifiers(this.#options.db, [ack])
    if (present.has(ack.name)) return
    if (!full.has(ack.clientId)) throw problem('AUTH_TOKEN_INVALID')
    throw problem('AUTH_VERIFIERS_FULL', {
      detail: `More than ${MAX_VERIFIERS_OF_CLIENT} verifiers of a client cannot be waited for`,
      headers: { 'retry-after': `${RETRY_FULL_SECONDS}` },
    })
  }
}

function hasNews({ head, events }: LogRead, ack: FeedAck | undefined): boolean {
  return events.length > 0 || (ack !== undefined && comparePositions(head, ack.position) !== 0)
}

/** The position that a text of the right form names; one beyond all numbers is the start. */
export function positionOf(text: string): Position {
  return parsePosition(text) ?? START
}
