import { invalidToken, isRefusal, StaleError, type Refusal } from '../errors.ts'
import type { KeySource } from './source.ts'

/** Asks a source of keys. Where that fails nobody can tell whether a token is good, which is 503. */
export class KeyLookup {
  readonly #source: KeySource
  readonly #onError: ((error: unknown) => void) | undefined

  constructor(source: KeySource, onError: ((error: unknown) => void) | undefined) {
    this.#source = source
    this.#onError = onError
  }

  /**
   * The public key with this id as SPKI PEM.
   *
   * @throws TokenError if there is none.
   * @throws StaleError if that cannot be told now.
   */
  find(kid: string, token?: string): string | Promise<string> {
    let found: ReturnType<KeySource['find']>
    try {
      found = this.#source.find(kid, token)
    } catch (error) {
      throw this.failure(error)
    }
    return typeof found === 'string' ? found : this.#settle(found)
  }

  /** What to throw for an error of the source, or of a key that it gave: it is the cause. */
  failure(error: unknown): Refusal {
    if (isRefusal(error)) return error
    try {
      this.#onError?.(error)
    } catch {
      // What somebody makes of the news does not change the answer.
    }
    return new StaleError('UNAVAILABLE', 'the source of keys has failed', { cause: error })
  }

  async #settle(found: undefined | Promise<string | undefined>): Promise<string> {
    let pem: string | undefined
    try {
      pem = await found
    } catch (error) {
      throw this.failure(error)
    }
    if (pem === undefined) throw invalidToken('unknown key')
    return pem
  }
}
