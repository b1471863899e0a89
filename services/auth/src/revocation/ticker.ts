/**
 * Runs a step at least every so often, and at once when poked. Steps never overlap; a poke during a step causes
 * another one after it, however many pokes there were.
 */
export class Ticker {
  readonly #step: () => Promise<void>
  readonly #everyMs: number
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  /** When the timer fires, by `performance.now()`. */
  #dueAt = 0
  /** How soon after the step that is under way the next one is wanted. */
  #nextMs: number
  #running: Promise<void> | undefined
  #isPoked = false
  #isStopped = true

  constructor(step: () => Promise<void>, everyMs: number, onError: (error: unknown) => void) {
    this.#step = step
    this.#everyMs = everyMs
    this.#nextMs = everyMs
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

  /** Sees to it that a whole step is run within so many milliseconds, for what is in no hurry. */
  pokeWithin(milliseconds: number): void {
    if (this.#isStopped) return
    if (this.#running) this.#nextMs = Math.min(this.#nextMs, milliseconds)
    else if (performance.now() + milliseconds < this.#dueAt) this.#schedule(milliseconds)
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
      this.#nextMs = this.#everyMs
      await this.#step().catch(this.#onError)
    }
    this.#running = undefined
    if (!this.#isStopped) this.#schedule(this.#nextMs)
  }

  #schedule(milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#dueAt = performance.now() + milliseconds
    this.#timer = setTimeout(() => this.poke(), milliseconds)
  }
}
