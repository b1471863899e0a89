/**
 * Runs a step at least every so often, and at once when poked. Steps never overlap; a poke during a step causes
 * another one after it, however many pokes there were.
 */
export class Ticker {
  readonly #step: () => Promise<void>
  readonly #everyMs: number
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #isPoked = false
  #isStopped = true

  constructor(step: () => Promise<void>, everyMs: number, onError: (error: unknown) => void) {
    this.#step = step
    this.#everyMs = everyMs
    this.#onError = onError
  }

  start(): void {
    this.#isStopped = false
    this.poke()
  }

  poke(): void {
    if (this.#isStopped) return
    this.#isPoked = true
    this.#running ??= this.#run()
  }

  /** No further step begins; resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer)
    while (this.#isPoked && !this.#isStopped) {
      this.#isPoked = false
      await this.#step().catch(this.#onError)
    }
    this.#running = undefined
    if (!this.#isStopped) this.#timer = setTimeout(() => this.poke(), this.#everyMs)
  }
}
