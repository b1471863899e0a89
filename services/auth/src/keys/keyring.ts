import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import type { Kysely } from 'kysely'
import { Compile } from 'typebox/compile'
import {
  JwkSchema,
  MAX_ACCESS_TTL_SECONDS,
  type ClientClaims,
  type Jwk,
  type Jwks,
  type UserClaims,
} from '@portcullis/schemas'
import type { DB } from '../database/tables.ts'
import { createAccessSigner, type SignAccess } from '../tokens/access.ts'
import { createRefreshKey, type RefreshKey } from '../tokens/refresh.ts'
import { newRefreshKey, newSigningKey } from './generate.ts'
import {
  insertRefreshKey,
  insertSigningKey,
  listPublishedSigningKeys,
  listRefreshKeys,
  lockKeys,
} from './queries.ts'
import type { Sealer } from './seal.ts'

export interface KeyringOptions {
  readonly issuer: string
  readonly algorithm: 'ES256' | 'RS256'
  readonly sessionLifeSeconds: number
}

interface Keys {
  readonly activeKid: string
  readonly sign: SignAccess
  readonly publicKeys: ReadonlyMap<string, string>
  readonly jwks: Jwks
  readonly etag: string
  readonly refreshKeys: ReadonlyMap<string, RefreshKey>
  readonly activeRefreshKey: RefreshKey
}

const isJwk = Compile(JwkSchema)

/** The keys of this issuer, as last read from the database. Several instances share them there. */
export class Keyring {
  readonly #read: () => Promise<Keys>
  #keys: Keys

  private constructor(read: () => Promise<Keys>, keys: Keys) {
    this.#read = read
    this.#keys = keys
  }

  /** Reads the keys, and makes the first ones if there are none. */
  static async open(db: Kysely<DB>, sealer: Sealer, options: KeyringOptions): Promise<Keyring> {
    await ensureKeys(db, sealer, options.algorithm)
    const read = () => readKeys(db, sealer, options)
    return new Keyring(read, await read())
  }

  /** Reads the keys again, after a rotation by this or another instance. */
  async reload(): Promise<void> {
    this.#keys = await this.#read()
  }

  /** Signs an access token with the key in use. */
  signAccess(claims: UserClaims | ClientClaims): string {
    return this.#keys.sign(claims)
  }

  /** Public half of the key with this `kid`, PEM, if its tokens may still be good. */
  find(kid: string): string | undefined {
    return this.#keys.publicKeys.get(kid)
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

  get activeRefreshKey(): RefreshKey {
    return this.#keys.activeRefreshKey
  }
}

/** Makes the keys that are missing. Of several instances that start at once, one does and the others wait. */
async function ensureKeys(db: Kysely<DB>, sealer: Sealer, algorithm: 'ES256' | 'RS256'): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await lockKeys(trx)
    const states = new Set((await listPublishedSigningKeys(trx, 0)).map((key) => key.state))
    for (const state of ['active', 'standby'] as const)
      if (!states.has(state)) await insertSigningKey(trx, await newSigningKey(algorithm, state, sealer))
    const refreshKeys = await listRefreshKeys(trx, 0)
    if (!refreshKeys.some((key) => key.state === 'active')) await insertRefreshKey(trx, newRefreshKey(sealer))
  })
}

async function readKeys(db: Kysely<DB>, sealer: Sealer, options: KeyringOptions): Promise<Keys> {
  const signing = await listPublishedSigningKeys(db, MAX_ACCESS_TTL_SECONDS)
  const refresh = await listRefreshKeys(db, options.sessionLifeSeconds)
  const active = signing.find((key) => key.state === 'active')
  if (!active) throw new Error('the database holds no active signing key')

  const privateKey = createPrivateKey({
    key: sealer.open(active.sealed, active.sealed_by, active.kid),
    format: 'der',
    type: 'pkcs8',
  }).export({ format: 'pem', type: 'pkcs8' })
  const jwks = { keys: signing.map((key) => asJwk(key.public_jwk)) }
  const refreshKeys = refresh.map((key) => ({
    state: key.state,
    key: createRefreshKey(key.kid, sealer.open(key.sealed, key.sealed_by, key.kid), options.issuer),
  }))
  const activeRefreshKey = refreshKeys.find((entry) => entry.state === 'active')?.key
  if (!activeRefreshKey) throw new Error('the database holds no active refresh key')

  return {
    activeKid: active.kid,
    sign: createAccessSigner({ kid: active.kid, alg: active.alg, privateKey }),
    publicKeys: new Map(jwks.keys.map((jwk) => [jwk.kid, toPem(jwk)])),
    jwks,
    etag: createHash('sha256').update(JSON.stringify(jwks)).digest('base64url').slice(0, 27),
    refreshKeys: new Map(refreshKeys.map(({ key }) => [key.kid, key])),
    activeRefreshKey,
  }
}

function asJwk(value: unknown): Jwk {
  if (!isJwk.Check(value)) throw new Error('the database holds a malformed signing key')
  return value
}

function toPem(jwk: Jwk): string {
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'spki' })
}
