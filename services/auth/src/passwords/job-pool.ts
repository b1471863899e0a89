/** Refused because as much is under way and waiting as the machine bears. */
export class PoolFullError extends Error {
  override readonly name = 'PoolFullError'
}

/**
 * Runs a bounded number of jobs at a time, lets a bounded number wait, and refuses the rest. A job keeps its
 * slot until it ends, whether or not anybody still waits for it: it is the work that is bounded, not the callers.
 */
export class JobPool {
  readonly #concurrency: number
  readonly #queueSize: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(concurrency: number, queueSize: number) {
    this.#concurrency = concurrency
    this.#queueSize = queueSize
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** @throws PoolFullError at once if there is no room. */
  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.#running < this.#concurrency) this.#running++
    else await this.#takePlaceInQueue()
    try {
      return await job()
    } finally {
      const next = this.#waiting.shift()
      // The slot passes on as it is, so that nobody can slip in between.
      if (next) next()
      else this.#running--
    }
  }

  #takePlaceInQueue(): Promise<void> {
    if (this.#waiting.length >= this.#queueSize) throw new PoolFullError('too many jobs')
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
