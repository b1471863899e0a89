import type { EventEmitter } from 'node:events'
import type { Readable } from 'node:stream'
import type { Static, TObject } from 'typebox'
import { readCommandConfig } from '../config.ts'
import { Output, type OutputStreams } from './output.ts'

/** Where a command runs: the process's own, or a test's. */
export interface Shell extends OutputStreams {
  readonly stdin: Readable
  /** Where SIGINT and SIGTERM come in: the process. Nowhere by default. */
  readonly signals?: Pick<EventEmitter, 'on'>
  /** The environment of the process by default. */
  readonly env?: NodeJS.ProcessEnv
}

/** The command cannot do what it was told to; nothing was changed. The program says so and ends with 1. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

/** What every command has at hand. */
export class Context {
  readonly shell: Shell
  readonly out: Output
  readonly #interruption = new AbortController()
  #holdsSignals = false

  constructor(shell: Shell) {
    this.shell = shell
    this.out = new Output(shell)
  }

  /**
   * From now on SIGINT and SIGTERM do not end the program: what has been done has yet to be told, and may be a secret that
   * is told but once. Not before something long begins, other than a wait for the signal that this returns.
   *
   * @returns aborted by the first of them; a second one often follows, from npm or a launcher, and does nothing
   */
  holdSignals(): AbortSignal {
    if (!this.#holdsSignals)
      for (const name of ['SIGINT', 'SIGTERM']) this.shell.signals?.on(name, () => this.#interruption.abort())
    this.#holdsSignals = true
    return this.#interruption.signal
  }

  /** @throws {ConfigError} naming every setting at fault. */
  readonly config = <T extends TObject>(schema: T): Static<T> => readCommandConfig(schema, this.shell.env)
}
