import { availableParallelism } from 'node:os'
import { randomBytes } from 'node:crypto'
import argon2 from 'argon2'
import { problem } from '@portcullis/service-kit'
import { JobPool, PoolFullError } from './job-pool.ts'
import { isBcrypt, verifyBcrypt } from './stored-hash.ts'

export interface HashCost {
  readonly memoryKib: number
  readonly timeCost: number
  readonly parallelism: number
}

/** How long the queue may grow, in jobs a core: about a second of work, so that whoever waits is answered in time. */
const QUEUE_PER_CORE = 24

/** Hashes and checks passwords, as many at a time as there are cores. */
export class PasswordHasher {
  readonly #cost: HashCost
  readonly #pool: JobPool
  readonly #dummyHash: Promise<string>

  constructor(cost: HashCost, cores = availableParallelism()) {
    this.#cost = cost
    this.#pool = new JobPool(cores, cores * QUEUE_PER_CORE)
    this.#dummyHash = this.hash(randomBytes(16).toString('base64'))
  }

  get running(): number {
    return this.#pool.running
  }

  get waiting(): number {
    return this.#pool.waiting
  }

  /**
   * @returns a PHC string, parameters in the order that other implementations read
   * @throws ProblemError AUTH_HASHING_BUSY
   */
  async hash(password: string): Promise<string> {
    const hash = await this.#run(() =>
      argon2.hash(password, {
        type: argon2.argon2id,
        memoryCost: this.#cost.memoryKib,
        timeCost: this.#cost.timeCost,
        parallelism: this.#cost.parallelism,
      }),
    )
    return standardOrder(hash)
  }

  /**
   * Whether the password belongs to the hash, argon2's or, of somebody who came from elsewhere, bcrypt's. Without a hash it does the same work and answers no, so that the
   * time tells nobody whether a user exists.
   *
   * @throws ProblemError AUTH_HASHING_BUSY
   */
  async verify(hash: string | undefined, password: string): Promise<boolean> {
    const against = hash ?? (await this.#dummyHash)
    const matches = await this.#run(() =>
      isBcrypt(against) ? verifyBcrypt(against, password) : argon2.verify(against, password),
    )
    return matches && hash !== undefined
  }

  /** Whether the hash was made at another cost than new ones are. */
  needsRehash(hash: string): boolean {
    const { memoryKib, timeCost, parallelism } = this.#cost
    return (
      !hash.startsWith('$argon2id$') ||
      argon2.needsRehash(hash, { memoryCost: memoryKib, timeCost, parallelism })
    )
  }

  async #run<T>(job: () => Promise<T>): Promise<T> {
    try {
      return await this.#pool.run(job)
    } catch (error) {
      if (error instanceof PoolFullError)
        throw problem('AUTH_HASHING_BUSY', { headers: { 'retry-after': '1' } })
      throw error
    }
  }
}

/** npm's argon2 writes `m=…,p=…,t=…`; libargon2 and others read `m=…,t=…,p=…` only. */
function standardOrder(phc: string): string {
  return phc.replace(/\$m=(\d+),p=(\d+),t=(\d+)\$/, '$m=$1,t=$3,p=$2$$')
}
