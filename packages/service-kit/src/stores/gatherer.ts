import { RETRY_SOON, problem } from '../problems/problem.ts'
import { ANSWER_MS } from './pool.ts'

/** Items done together at most: few enough that all of it is one short statement. */
const LIMIT = 100
/** Where a database hangs, those who wait are refused before those who ask it, and nobody waits as long again. */
const PATIENCE_MS = ANSWER_MS - 50

export interface GathererOptions<Item, Result> {
  /** Does all or nothing. Results in the order of the items. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>
  /** Whether an error has nothing to do with what the items are, and would have met each of them alone. */
  readonly isEveryones: (error: unknown) => boolean
  /** How long an item waits for its turn, in milliseconds. */
  readonly patienceMs?: number
}

interface Asked<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
  readonly timer: NodeJS.Timeout
}

/**
 * Does together, in the order in which it was asked for, whatever was asked for while what came before was under way.
 * If some of it cannot be done, the rest is done without it, and only who asked for that hears of it.
 */
export class Gatherer<Item, Result> {
  readonly #options: GathererOptions<Item, Result>
  readonly #waiting: Asked<Item, Result>[] = []
  #isRunning = false

  constructor(options: GathererOptions<Item, Result>) {
    this.#options = options
  }

  /** @throws {ProblemError} UNAVAILABLE if the turn of the item did not come, and whatever `run` throws. */
  async do(item: Item): Promise<Result> {
    const { patienceMs = PATIENCE_MS } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const timer = setTimeout(() => {
      this.#waiting.splice(this.#waiting.indexOf(asked), 1)
      reject(problem('UNAVAILABLE', { headers: RETRY_SOON }))
    }, patienceMs)
    const asked = { item, resolve, reject, timer }
    this.#waiting.push(asked)
    void this.#runAll()
    return promise
  }

  async #runAll(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    while (this.#waiting.length > 0) {
      const together = this.#waiting.splice(0, LIMIT)
      for (const { timer } of together) clearTimeout(timer)
      await this.#settle(together)
    }
    this.#isRunning = false
  }

  /** By halves, until those are alone who cannot be served. */
  async #settle(together: readonly Asked<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#options.run(together.map(({ item }) => item))
      for (const [index, result] of results.entries()) together[index]?.resolve(result)
    } catch (error) {
      if (together.length === 1 || this.#options.isEveryones(error)) {
        for (const { reject } of together) reject(error)
        return
      }
      const half = Math.ceil(together.length / 2)
      await this.#settle(together.slice(0, half))
      await this.#settle(together.slice(half))
    }
  }
}
