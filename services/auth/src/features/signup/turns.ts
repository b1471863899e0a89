export interface TurnsOptions {
  /** How long a job waits for its turn, in milliseconds, and what is thrown then. */
  readonly patienceMs: number
  readonly impatience: () => Error
}

/** Lets jobs with the same key run one after another, in the order in which they came. */
export class Turns {
  readonly #options: TurnsOptions
  readonly #last = new Map<string, Promise<unknown>>()

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  async take<T>(key: string, job: () => Promise<T>): Promise<T> {
    const { patienceMs, impatience } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    let isOver = false
    const timer = setTimeout(() => {
      isOver = true
      reject(impatience())
    }, patienceMs)
    const run = async () => {
      clearTimeout(timer)
      if (!isOver) await job().then(resolve, reject)
    }
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(run)
    this.#last.set(key, turn)
    void turn.then(() => {
      if (this.#last.get(key) === turn) this.#last.delete(key)
    })
    return promise
  }
}
