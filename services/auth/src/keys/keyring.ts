import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { ClientClaims, Jwks, UserClaims } from '@portcullis/schemas'
import { StaleError, type Clock } from '@portcullis/token-verifier'
import type { DB } from '../database/tables.ts'
import type { RefreshKey } from '../tokens/refresh.ts'
import { issuedAtOf } from '../tokens/unverified.ts'
import { listKeysInUse } from './queries.ts'
import { KeyReader, type Keys, type KeyReaderOptions } from './read.ts'
import { fillKeys, resealKeys, withSpares } from './rotate.ts'

/** An unknown key is looked for in the database no more often, however many tokens name one. */
const LOOK_AGAIN_MS = 1000
/** By so much the clock of the instance that has issued a token may be behind. */
const CLOCKS_DIFFER_MS = 5000

export interface KeyringOptions extends KeyReaderOptions {
  readonly clock: Clock
}

/** The keys of this issuer, as last read from the database. Several instances share them there. */
export class Keyring {
  readonly #reader: KeyReader
  readonly #clock: Clock
  #keys: Keys
  /** Monotonic time at which the reading began that these keys are of. */
  #readAt: number
  #lookedAt = Number.NEGATIVE_INFINITY
  /** The newest reading; they never overlap, lest an older one be the last. */
  #reading: Promise<unknown> = Promise.resolve()
  #looking: Promise<void> | undefined

  private constructor(reader: KeyReader, clock: Clock, keys: Keys, readAt: number) {
    this.#reader = reader
    this.#clock = clock
    this.#keys = keys
    this.#readAt = readAt
  }

  /** Makes the keys that are missing, seals under the current sealing key what is not, and reads them all. */
  static async open(db: Kysely<DB>, options: KeyringOptions): Promise<Keyring> {
    const inUse = await listKeysInUse(db)
    const isFull = inUse.filter((key) => key.alg === options.algorithm).length === 2
    const maker = isFull ? options : await withSpares(options)
    await db.transaction().execute(async (trx) => {
      await fillKeys(trx, maker)
      await resealKeys(trx, options.sealer)
    })
    const reader = new KeyReader(db, options)
    const readAt = options.clock.monotonic()
    return new Keyring(reader, options.clock, await reader.read(), readAt)
  }

  /** Reads the keys again, after a rotation by this or another instance. */
  async reload(): Promise<void> {
    const reading = this.#reading.then(
      () => this.#read(),
      () => this.#read(),
    )
    this.#reading = reading
    await reading
  }

  async #read(): Promise<void> {
    const readAt = this.#clock.monotonic()
    this.#keys = await this.#reader.read()
    this.#readAt = readAt
  }

  /** Signs an access token with the key in use. */
  signAccess(claims: UserClaims | ClientClaims): string {
    return this.#keys.sign(claims)
  }

  /**
   * Public half of the key with this `kid`, PEM, if its tokens may still be good.
   *
   * @throws {StaleError} UNAVAILABLE if it is not known and the keys cannot be read
   */
  find(kid: string, token = ''): string | undefined | Promise<string | undefined> {
    const known = this.#keys.publicKeys.get(kid)
    return known ?? this.#lookFor(issuedAtOf(token)).then(() => this.#keys.publicKeys.get(kid))
  }

  get activeKid(): string {
    return this.#keys.activeKid
  }

  get jwks(): Jwks {
    return this.#keys.jwks
  }

  /** Changes with the JWKS; an entity tag without its quotes (RFC 9110 section 8.8.3). */
  get jwksEtag(): string {
    return this.#keys.etag
  }

  refreshKey(kid: string): RefreshKey | undefined {
    return this.#keys.refreshKeys.get(kid)
  }

  /**
   * Key of refresh tokens with this `kid`, if they may still be good.
   *
   * @param issuedAt when the token is said to be issued, in seconds since 1970
   * @throws {StaleError} UNAVAILABLE if it is not known and the keys cannot be read
   */
  findRefreshKey(
    kid: string,
    issuedAt: number | undefined,
  ): RefreshKey | undefined | Promise<RefreshKey | undefined> {
    return this.refreshKey(kid) ?? this.#lookFor(issuedAt).then(() => this.refreshKey(kid))
  }

  get activeRefreshKey(): RefreshKey {
    return this.#keys.activeRefreshKey
  }

  /**
   * Another instance may have made a key a moment ago. Resolves once a reading has begun that cannot lack the key of a
   * token issued then.
   */
  async #lookFor(issuedAt: number | undefined): Promise<void> {
    const since = this.#clock.monotonic() - this.#sufficientAge(issuedAt)
    while (this.#readAt < since) {
      this.#looking ??= this.#lookAgain().finally(() => (this.#looking = undefined))
      await this.#looking
    }
  }

  /** How old a reading may be, in milliseconds. A token issued just now, or dated in the future, needs a new reading. */
  #sufficientAge(issuedAt: number | undefined): number {
    if (issuedAt === undefined) return LOOK_AGAIN_MS
    // The time of issue is cut to seconds.
    const age = this.#clock.now() - (issuedAt + 1) * 1000 - CLOCKS_DIFFER_MS
    return Math.max(0, Math.min(LOOK_AGAIN_MS, age))
  }

  /** Reads the keys for everybody who waits for it. Anybody can write a token that asks for it, so they may wait. */
  async #lookAgain(): Promise<void> {
    const wait = this.#lookedAt + LOOK_AGAIN_MS - this.#clock.monotonic()
    if (wait > 0) await sleep(wait)
    this.#lookedAt = this.#clock.monotonic()
    await this.reload().catch((error: unknown) => {
      // If the keys cannot be read, the token's key is not known to be unknown.
      const reason = error instanceof Error ? error.message : String(error)
      throw new StaleError('UNAVAILABLE', `the keys cannot be read: ${reason}`)
    })
  }
}
