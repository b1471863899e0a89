import { availableParallelism } from 'node:os'
import { randomBytes } from 'node:crypto'
import { hash as hashArgon2, parseOptions, verify as verifyArgon2 } from '@node-rs/argon2'
import { RETRY_SOON, problem } from '@portcullis/service-kit'
import { JobPool, PoolFullError } from './job-pool.ts'
import { isBcrypt, verifyBcrypt } from './stored-hash.ts'

export interface HashCost {
  readonly memoryKib: number
  readonly timeCost: number
  readonly parallelism: number
}

/** How long the queue may grow, in jobs a core: less than a second of work, so that whoever waits is answered in time. */
const QUEUE_PER_CORE = 48

/** What the hashes of @node-rs/argon2 are unless it is told otherwise. */
const KIND = '$argon2id$v=19$'

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
    const { memoryKib: memoryCost, timeCost, parallelism } = this.#cost
    return this.#run(() => hashArgon2(password, { memoryCost, timeCost, parallelism }))
  }

  /**
   * Whether the password belongs to the hash, argon2's or, of somebody who came from elsewhere, bcrypt's. Without a hash
   * it does the same work and answers no, so that the time tells nobody whether a user exists.
   *
   * @throws ProblemError AUTH_HASHING_BUSY
   */
  async verify(hash: string | undefined, password: string): Promise<boolean> {
    const against = hash ?? (await this.#dummyHash)
    const matches = await this.#run(() =>
      isBcrypt(against) ? verifyBcrypt(against, password) : verifyArgon2(against, password),
    )
    return matches && hash !== undefined
  }

  /** Whether the hash was made in another way, or at another cost, than new ones are. */
  needsRehash(hash: string): boolean {
    if (!hash.startsWith(KIND)) return true
    const { memoryCost, timeCost, parallelism } = parseOptions(hash)
    const cost = this.#cost
    return memoryCost !== cost.memoryKib || timeCost !== cost.timeCost || parallelism !== cost.parallelism
  }

  async #run<T>(job: () => Promise<T>): Promise<T> {
    try {
      return await this.#pool.run(job)
    } catch (error) {
      if (error instanceof PoolFullError) throw problem('AUTH_HASHING_BUSY', { headers: RETRY_SOON })
      throw error
    }
  }
}
