import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import { comparePositions, formatPosition, type Position } from '@portcullis/schemas'
import type { Receipt } from '../database/transaction.ts'
import type { Progress } from './verifiers/acks.ts'
import type { VerifierRow } from './append-on-commit.ts'

/** How long an answer waits for the verifiers, in milliseconds. */
const PATIENCE_MS = 1000
/** Pause between two looks at what the verifiers have said: they take 1 to 2 ms. */
const LOOK_EVERY_MS = 1
/** Whoever has not answered by then may not be heard in Redis at all. */
const LOOK_FURTHER_AFTER_MS = 10
const LOOK_FURTHER_EVERY_MS = 20

export interface BarrierSources {
  /** What verifiers report in Redis; cheap enough to ask every millisecond. */
  readProgress(verifiers: readonly VerifierRow[]): Promise<ReadonlyMap<string, Progress>>
  /**
   * The position a follower of the stream must report to prove it has applied the event. Undefined while another event may
   * stand in that place, and once a newer epoch has begun.
   */
  neededInRedis(position: Position): Position | undefined
  /** The same for whoever reads PostgreSQL: the feed, auth itself. */
  neededInDatabase(position: Position): Position | undefined
  /** What verifiers report in PostgreSQL, those without Redis included. */
  readStoredProgress(names: readonly string[]): Promise<ReadonlyMap<string, Progress>>
}

interface Waiting {
  readonly position: Position
  readonly missing: Map<string, string>
  readonly done: () => void
}

/**
 * Holds the answer of a revocation until every verifier that could still accept the token has applied it. All
 * answers that wait at the same time share their looks at the verifiers.
 */
export class Barrier {
  readonly #sources: BarrierSources
  readonly #waiting = new Set<Waiting>()
  #isLooking = false
  /** For metrics: how long an answer waited, in milliseconds, and whether it gave up. */
  onWaited: ((ms: number, isPending: boolean) => void) | undefined

  constructor(sources: BarrierSources) {
    this.#sources = sources
  }

  /**
   * How many verifiers have not applied the event when this returns: 0, unless the patience ran out.
   *
   * @param interrupted ends the patience
   */
  async wait({ position, verifiers }: Receipt, interrupted?: AbortSignal): Promise<number> {
    if (verifiers.length === 0) return 0
    const began = performance.now()
    const missing = new Map(verifiers.map(({ name, client_id }) => [name, client_id]))
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting: Waiting = { position, missing, done: resolve }
    this.#waiting.add(waiting)
    void this.#look()
    const patience = setTimeout(resolve, PATIENCE_MS)
    const giveUp = () => resolve()
    interrupted?.addEventListener('abort', giveUp)
    await promise
    interrupted?.removeEventListener('abort', giveUp)
    clearTimeout(patience)
    this.#waiting.delete(waiting)
    this.onWaited?.(performance.now() - began, missing.size > 0)
    return missing.size
  }

  /**
   * Waits, and marks the answer: 200 when no verifier accepts the token any more, 202 when that is not known.
   * The body is the same.
   */
  async settle(reply: FastifyReply, receipt: Receipt): Promise<200 | 202> {
    const pending = await this.wait(receipt)
    reply
      .header('revocation-position', formatPosition(receipt.position))
      .header('revocation-pending', pending)
    const status = pending === 0 ? 200 : 202
    reply.code(status)
    return status
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    let lookFurtherAt = performance.now() + LOOK_FURTHER_AFTER_MS
    try {
      while (this.#waiting.size > 0) {
        if (this.#canBeKnown())
          await this.#readOnce(
            (verifiers) => this.#sources.readProgress(verifiers),
            (position) => this.#sources.neededInRedis(position),
          )
        if (this.#waiting.size > 0 && performance.now() >= lookFurtherAt) {
          await this.#readOnce((verifiers) =>
            this.#sources.readStoredProgress(verifiers.map(({ name }) => name)),
          )
          lookFurtherAt = performance.now() + LOOK_FURTHER_EVERY_MS
        }
        if (this.#waiting.size > 0) await sleep(LOOK_EVERY_MS)
      }
    } finally {
      this.#isLooking = false
    }
  }

  /** Nobody can have read what has not been carried yet. */
  #canBeKnown(): boolean {
    return [...this.#waiting].some(({ position }) => this.#sources.neededInRedis(position) !== undefined)
  }

  async #readOnce(
    read: (verifiers: readonly VerifierRow[]) => Promise<ReadonlyMap<string, Progress>>,
    neededFor?: BarrierSources['neededInRedis'],
  ): Promise<void> {
    const missing = new Map([...this.#waiting].flatMap((waiting) => [...waiting.missing]))
    const verifiers = Array.from(missing, ([name, client_id]) => ({ name, client_id }))
    this.progressed(await read(verifiers).catch(() => new Map<string, Progress>()), neededFor)
  }

  /** What verifiers have applied, from whoever knows. */
  progressed(
    news: ReadonlyMap<string, Progress>,
    neededFor: BarrierSources['neededInDatabase'] = (position) => this.#sources.neededInDatabase(position),
  ): void {
    for (const waiting of this.#waiting) {
      const needed = neededFor(waiting.position)
      if (!needed) continue
      for (const name of waiting.missing.keys()) {
        const progress = news.get(name)
        if (progress === 'gone' || (progress && comparePositions(progress, needed) >= 0))
          waiting.missing.delete(name)
      }
      if (waiting.missing.size > 0) continue
      this.#waiting.delete(waiting)
      waiting.done()
    }
  }
}
