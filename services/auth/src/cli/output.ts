import { once } from 'node:events'
import type { Writable } from 'node:stream'

/** What a command answers with; what is undefined is left out. */
export type Fields = Readonly<Record<string, unknown>>

export interface OutputStreams {
  readonly stdout: Writable
  readonly stderr: Writable & { readonly isTTY?: boolean }
}

/**
 * What a command says: its answer on standard output, for people or, with `--json`, for programs; everything else
 * on standard error.
 */
export class Output {
  readonly #streams: OutputStreams
  isJson = false
  /** What the program ends with unless a command fails. */
  exitCode = 0

  constructor(streams: OutputStreams) {
    this.#streams = streams
  }

  /** The whole answer of a command: a line for each field, or one JSON document. */
  async document(fields: Fields): Promise<void> {
    if (this.isJson) return this.#json(fields)
    const lines = Object.entries(fields).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}: ${textOf(value)}\n`],
    )
    await this.#write(lines.join(''))
  }

  /** One of many: fields separated by tabs, or a line of JSON. */
  async row(fields: Fields): Promise<void> {
    if (this.isJson) return this.#json(fields)
    await this.#write(`${Object.values(fields).map(textOf).join('\t')}\n`)
  }

  /** Text as it is. */
  async text(text: string): Promise<void> {
    await this.#write(text)
  }

  /** For whoever looks on; no part of the answer. */
  note(message: string): void {
    this.#streams.stderr.write(`${message}\n`)
  }

  /** How far a long command is: one line on a terminal that is written anew each time, and nothing elsewhere. */
  progress(message: string): void {
    if (this.#streams.stderr.isTTY === true) this.#streams.stderr.write(`\r\u001B[K${message}`)
  }

  async #json(fields: Fields): Promise<void> {
    await this.#write(`${JSON.stringify(fields)}\n`)
  }

  async #write(text: string): Promise<void> {
    if (text !== '' && !this.#streams.stdout.write(text)) await once(this.#streams.stdout, 'drain')
  }
}

/** A value on a line of its own, or between tabs: no name or user agent may break the line or steer the terminal. */
function textOf(value: unknown): string {
  const parts = Array.isArray(value) ? value : [value]
  return parts
    .map(wordOf)
    .join(' ')
    .replaceAll(/\p{Cc}/gu, ' ')
}

function wordOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'string' ? value : JSON.stringify(value ?? '-').replaceAll('"', '')
}
