/** Lets requests wait for the next commit of some kind. A hint and no more: whoever waits also looks at the end. */
export class News {
  readonly #waiting = new Set<() => void>()
  #count = 0

  /** How often there was news. To be read before one looks, and given to `after`. */
  get count(): number {
    return this.#count
  }

  tell(): void {
    this.#count++
    for (const wake of this.#waiting) wake()
  }

  /** Resolves once there was news since `count` was read, or after so many milliseconds. */
  async after(count: number, milliseconds: number): Promise<void> {
    if (count !== this.#count || milliseconds <= 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, milliseconds)
    this.#waiting.add(resolve)
    await promise
    clearTimeout(timer)
    this.#waiting.delete(resolve)
  }
}
