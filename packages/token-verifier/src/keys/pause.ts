const FIRST_MS = 50

/** How long to leave off after a failure: twice as long after each. */
export class Pause {
  readonly #now: () => number
  #failed: { readonly at: number; readonly wait: number } | undefined

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Milliseconds; 0 or less if there is none. */
  get left(): number {
    return this.#failed ? this.#failed.at + this.#failed.wait - this.#now() : 0
  }

  begin(longestMs: number): void {
    const wait = Math.min((this.#failed?.wait ?? FIRST_MS / 2) * 2, longestMs)
    this.#failed = { at: this.#now(), wait }
  }

  end(): void {
    this.#failed = undefined
  }
}
