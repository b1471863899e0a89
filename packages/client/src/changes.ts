import type { TokenStorage } from './tokens.ts'

/** Auth answers a change at most a second after it has made it; this is how long such an answer is waited for. */
const PATIENCE_MS = 5000

/** The operations under way that give the session other tokens or end it. */
export class Changes {
  readonly #storage: TokenStorage
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(storage: TokenStorage) {
    this.#storage = storage
  }

  /** Runs one, from its request until the session has taken in its answer. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const change = work()
    this.#underWay.add(change)
    // Nobody who shares the storage asks for a refresh meanwhile, which the change may already have made impossible.
    // It is not waited for: one that has begun its refresh before waits for this one before it ends the session.
    this.#storage.exclusively?.(() => patiently([change])).catch(() => undefined)
    try {
      return await change
    } finally {
      this.#underWay.delete(change)
    }
  }

  /** When those that are under way now have succeeded or failed; or when that takes too long. */
  settled(): Promise<void> {
    return patiently([...this.#underWay])
  }
}

async function patiently(changes: readonly Promise<unknown>[]): Promise<void> {
  const { promise: tooLate, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, PATIENCE_MS)
  await Promise.race([Promise.allSettled(changes), tooLate])
  clearTimeout(timer)
}
