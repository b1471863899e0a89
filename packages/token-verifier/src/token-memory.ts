import type { CheckedToken } from './token-check.ts'

/** A token whose signature was good under this key. */
export interface VerifiedToken extends CheckedToken {
  /** The key as SPKI PEM. */
  readonly pem: string
}

/**
 * The tokens that were verified last: at least half of `capacity`, never more than all of it. In two generations
 * rather than in the order of use, so that finding a token changes nothing.
 */
export class TokenMemory {
  readonly #half: number
  #young = new Map<string, VerifiedToken>()
  #old = new Map<string, VerifiedToken>()

  constructor(capacity: number) {
    this.#half = Math.ceil(capacity / 2)
  }

  get(token: string): VerifiedToken | undefined {
    const young = this.#young.get(token)
    if (young !== undefined) return young
    const old = this.#old.get(token)
    if (old !== undefined) this.set(token, old)
    return old
  }

  set(token: string, verified: VerifiedToken): void {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(token, verified)
  }

  delete(token: string): void {
    this.#young.delete(token)
    this.#old.delete(token)
  }
}
