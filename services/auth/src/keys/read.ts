import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import type { Kysely } from 'kysely'
import { Compile } from 'typebox/compile'
import { JwkSchema, type Jwk, type Jwks } from '@portcullis/schemas'
import type { DB } from '../database/tables.ts'
import { createAccessSigner, type SignAccess } from '../tokens/access.ts'
import { createRefreshKey, type RefreshKey } from '../tokens/refresh.ts'
import { RETIRED_PUBLISHED_SECONDS, listPublishedSigningKeys, listRefreshKeys } from './queries.ts'
import type { KeyMaker } from './rotate.ts'
import type { Sealer } from './seal.ts'

export interface KeyReaderOptions extends KeyMaker {
  readonly issuer: string
  readonly sessionLifeSeconds: number
}

/** The keys as they are used. */
export interface Keys {
  readonly activeKid: string
  readonly sign: SignAccess
  /** SPKI PEM by kid. */
  readonly publicKeys: ReadonlyMap<string, string>
  readonly jwks: Jwks
  readonly etag: string
  readonly refreshKeys: ReadonlyMap<string, RefreshKey>
  readonly activeRefreshKey: RefreshKey
}

/** A new refresh key signs only when every instance has read it, as each does every few seconds. */
const REFRESH_KEY_SETTLED_SECONDS = 15

const isJwk = Compile(JwkSchema)

interface SealedKey {
  readonly kid: string
  readonly sealed: Buffer
  readonly sealed_by: string
}

/** Reads the keys from the database. A key once opened is not opened again, so that one can be sealed anew meanwhile. */
export class KeyReader {
  readonly #db: Kysely<DB>
  readonly #options: KeyReaderOptions
  #signers = new Map<string, SignAccess>()
  #refreshKeys = new Map<string, RefreshKey>()

  constructor(db: Kysely<DB>, options: KeyReaderOptions) {
    this.#db = db
    this.#options = options
  }

  /** @throws Error if there is no key to sign with, or one cannot be opened. */
  async read(): Promise<Keys> {
    const { algorithm, sessionLifeSeconds } = this.#options
    const [signing, refresh] = await Promise.all([
      listPublishedSigningKeys(this.#db, algorithm, RETIRED_PUBLISHED_SECONDS),
      listRefreshKeys(this.#db, sessionLifeSeconds),
    ])
    const active = signing.find((key) => key.state === 'active')
    if (!active) throw new Error(`the database holds no ${algorithm} key that signs`)
    const sign = this.#signers.get(active.kid) ?? this.#signer(active)
    this.#signers = new Map([[active.kid, sign]])
    this.#refreshKeys = new Map(
      refresh.map((key) => [key.kid, this.#refreshKeys.get(key.kid) ?? this.#refreshKey(key)]),
    )
    const jwks = { keys: signing.map((key) => asJwk(key.public_jwk)) }
    const settled = refresh.find((key) => key.age_seconds >= REFRESH_KEY_SETTLED_SECONDS) ?? refresh[0]
    const activeRefreshKey = this.#refreshKeys.get(settled?.kid ?? '')
    if (!activeRefreshKey) throw new Error('the database holds no refresh key')
    return {
      activeKid: active.kid,
      sign,
      publicKeys: new Map(jwks.keys.map((jwk) => [jwk.kid, toPem(jwk)])),
      jwks,
      etag: createHash('sha256').update(JSON.stringify(jwks)).digest('base64url').slice(0, 27),
      refreshKeys: this.#refreshKeys,
      activeRefreshKey,
    }
  }

  #signer(key: SealedKey): SignAccess {
    const der = openKey(this.#options.sealer, key)
    const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    return createAccessSigner({
      kid: key.kid,
      alg: this.#options.algorithm,
      privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }),
    })
  }

  #refreshKey(key: SealedKey): RefreshKey {
    return createRefreshKey(key.kid, openKey(this.#options.sealer, key), this.#options.issuer)
  }
}

function openKey(sealer: Sealer, { kid, sealed, sealed_by }: SealedKey): Buffer {
  return sealer.open(sealed, sealed_by, kid)
}

/** @throws Error if the database holds something else. */
export function asJwk(value: unknown): Jwk {
  if (!isJwk.Check(value)) throw new Error('the database holds a malformed signing key')
  return value
}

/** Public key as SPKI PEM. */
export function toPem(jwk: Jwk): string {
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'spki' })
}
