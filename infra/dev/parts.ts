import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { end, Guard, hasEnded, howEnded, onParentGone } from './processes.ts'
import { complain, say, since } from './screen.ts'

interface Part {
  readonly name: string
  readonly child: ChildProcess
  readonly stop: () => Promise<void>
}

const CLOSE_PATIENCE_MS = 300
/** For what was just being started when the end came. */
const STARTING_PATIENCE_MS = 500

/**
 * The parts of a run, in the order of their start: they are stopped in the reverse order, in groups, and all of
 * them if one ends by itself.
 */
export class Parts {
  readonly #guard = new Guard()
  readonly #groups: Part[][] = []
  /** What runs and is no part yet, with the signal that ends it. */
  readonly #starting = new Map<ChildProcess, NodeJS.Signals>()
  readonly #closers: (() => Promise<void>)[] = []
  readonly #onStopped: () => void
  #stopping: Promise<void> | undefined

  /** @param onStopped called when all parts have ended. */
  constructor(onStopped: () => void) {
    this.#onStopped = onStopped
  }

  /** Ends the process with this one, however this one ends. */
  watch(child: ChildProcess, signal: NodeJS.Signals): void {
    this.#guard.watch(child, signal)
    if (hasEnded(child)) return
    this.#starting.set(child, signal)
    child.once('exit', () => this.#starting.delete(child))
  }

  /** Adds parts that may be stopped at the same time. */
  add(...group: Part[]): void {
    this.#groups.push(group)
    for (const { name, child } of group) {
      this.#starting.delete(child)
      const lost = () => {
        if (this.#stopping) return
        complain(name, `has ended by itself (${howEnded(child)}): stopping everything`)
        void this.stop(1)
      }
      if (hasEnded(child)) lost()
      else child.once('exit', lost)
    }
  }

  /** To be called before any part is stopped. */
  onStop(close: () => Promise<void>): void {
    this.#closers.push(close)
  }

  /** Stops on signals and when the process that started us is gone. */
  listen(): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void this.stop(0))
    onParentGone(() => void this.stop(0))
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined
  }

  /** Stops everything and ends this process. */
  stop(exitCode: number): Promise<void> {
    this.#stopping ??= this.#stop(exitCode)
    return this.#stopping
  }

  async #stop(exitCode: number): Promise<void> {
    const began = performance.now()
    const closed = Promise.allSettled(this.#closers.map((close) => close()))
    await Promise.race([closed, sleep(CLOSE_PATIENCE_MS)])
    await this.#endStarting()
    for (const group of this.#groups.toReversed()) await Promise.allSettled(group.map(({ stop }) => stop()))
    // The start goes on meanwhile, until what it waits for is gone.
    await this.#endStarting()
    if (exitCode === 0 && this.#groups.length > 0) say('stopped', `after ${since(began)}`)
    this.#onStopped()
    process.exit(exitCode)
  }

  async #endStarting(): Promise<void> {
    const ends = [...this.#starting].map(([child, signal]) => end(child, signal, STARTING_PATIENCE_MS))
    await Promise.all(ends)
  }
}
