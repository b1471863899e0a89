import type { Readable } from 'node:stream'
import type { Static, TObject } from 'typebox'
import { readCommandConfig } from '../config.ts'
import { Output, type OutputStreams } from './output.ts'

/** Where a command runs: the process's own, or a test's. */
export interface Shell extends OutputStreams {
  readonly stdin: Readable
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

  constructor(shell: Shell) {
    this.shell = shell
    this.out = new Output(shell)
  }

  /** @throws {ConfigError} naming every setting at fault. */
  readonly config = <T extends TObject>(schema: T): Static<T> => readCommandConfig(schema, this.shell.env)
}
