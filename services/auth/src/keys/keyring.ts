import type { Kysely } from 'kysely'
import type { ClientClaims, Jwks, UserClaims } from '@portcullis/schemas'
import type { Clock } from '@portcullis/token-verifier'
import type { DB } from '../database/tables.ts'
import type { RefreshKey } from '../tokens/refresh.ts'
import { listKeysInUse } from './queries.ts'
import { KeyReader, type Keys, type KeyReaderOptions } from './read.ts'
import { fillKeys, resealKeys, withSpares } from './rotate.ts'

/** An unknown key is looked for in the database no more often, however many tokens name one. */
const LOOK_AGAIN_MS = 1000

export interface KeyringOptions extends KeyReaderOptions {
  readonly clock: Clock
}

/** The keys of this issuer, as last read from the database. Several instances share them there. */
export class Keyring {
  readonly #reader: KeyReader
  readonly #clock: Clock
  #keys: Keys
  #readAt: number
  /** The newest reading; they never overlap, lest an older one be the last. */
  #reading: Promise<unknown> = Promise.resolve()
  #looking: Promise<void> | undefined

  private constructor(reader: KeyReader, clock: Clock, keys: Keys) {
    this.#reader = reader
    this.#clock = clock
    this.#keys = keys
    this.#readAt = clock.monotonic()
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
    return new Keyring(reader, options.clock, await reader.read())
  }

  /** Reads the keys again, after a rotation by this or another instance. */
  async reload(): Promise<void> {
    const reading = this.#reading.then(
      () => this.#reader.read(),
      () => this.#reader.read(),
    )
    this.#reading = reading
    this.#keys = await reading
    this.#readAt = this.#clock.monotonic()
  }

  /** Signs an access token with the key in use. */
  signAccess(claims: UserClaims | ClientClaims): string {
    return this.#keys.sign(claims)
  }

  /** Public half of the key with this `kid`, PEM, if its tokens may still be good. */
  find(kid: string): string | undefined | Promise<string | undefined> {
    const known = this.#keys.publicKeys.get(kid)
    return known ?? this.#lookAgain().then(() => this.#keys.publicKeys.get(kid))
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

  /** Key of refresh tokens with this `kid`, if they may still be good. */
  findRefreshKey(kid: string): RefreshKey | undefined | Promise<RefreshKey | undefined> {
    return this.refreshKey(kid) ?? this.#lookAgain().then(() => this.refreshKey(kid))
  }

  get activeRefreshKey(): RefreshKey {
    return this.#keys.activeRefreshKey
  }

  /** Another instance may have made a key a moment ago; what cannot be read now is unknown for now. */
  async #lookAgain(): Promise<void> {
    if (this.#clock.monotonic() - this.#readAt < LOOK_AGAIN_MS) return this.#looking
    this.#readAt = this.#clock.monotonic()
    this.#looking = this.reload()
      .catch(() => undefined)
      .finally(() => (this.#looking = undefined))
    return this.#looking
  }
}
