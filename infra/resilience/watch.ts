import { setTimeout as sleep } from 'node:timers/promises'

/** Whether something was ready, and since when. */
interface Change {
  readonly at: number
  readonly isReady: boolean
}

/** Asks for readiness over and over, and keeps when it changed. */
export class ReadyWatch {
  readonly #url: string
  readonly #changes: Change[] = []
  #isStopped = false
  readonly #running: Promise<void>

  constructor(url: string) {
    this.#url = url
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  /** When it first was as asked for, after a moment; undefined if never. By `performance.now()`. */
  firstAfter(moment: number, isReady: boolean): number | undefined {
    const before = this.#changes.findLast(({ at }) => at <= moment)
    if (before?.isReady === isReady) return moment
    return this.#changes.find(({ at, isReady: was }) => at > moment && was === isReady)?.at
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const answer = await fetch(`${this.#url}/health/ready`).catch(() => undefined)
      await answer?.body?.cancel()
      const at = performance.now()
      const isReady = answer?.status === 200
      if (this.#changes.at(-1)?.isReady !== isReady) this.#changes.push({ at, isReady })
      await sleep(50)
    }
  }
}
