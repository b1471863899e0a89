/** What a look at one thing has shown. */
export interface Finding {
  readonly about: string
  /** With `failed`, something does not work; with `warning`, it works but should be otherwise. */
  readonly state: 'ok' | 'warning' | 'failed'
  readonly finding: string
  /** What to do about it. */
  readonly advice?: string
}

/** Findings about one thing. */
export class Findings {
  readonly #about: string
  readonly all: Finding[] = []

  constructor(about: string) {
    this.#about = about
  }

  ok(finding: string): void {
    this.all.push({ about: this.#about, state: 'ok', finding })
  }

  warning(finding: string, advice: string): void {
    this.all.push({ about: this.#about, state: 'warning', finding, advice })
  }

  failed(finding: string, advice: string): void {
    this.all.push({ about: this.#about, state: 'failed', finding, advice })
  }
}

/** The message of an error, and of several at once the first. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  return error instanceof Error ? error.message || error.name : 'not an Error'
}
