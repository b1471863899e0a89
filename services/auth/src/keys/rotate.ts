import { sql, type Insertable, type Kysely } from 'kysely'
import type { DB, SigningKeys } from '../database/tables.ts'
import { newRefreshKey, newSigningKey } from './generate.ts'
import {
  RETIRED_PUBLISHED_SECONDS,
  findActiveKeyAge,
  insertRefreshKey,
  insertSigningKey,
  listKeysInUse,
  listPublishedSigningKeys,
  lockKeys,
} from './queries.ts'
import type { Sealer } from './seal.ts'

/** What new keys are made with. */
export interface KeyMaker {
  readonly sealer: Sealer
  readonly algorithm: 'ES256' | 'RS256'
  /** Keys made before the transaction, which may stand idle for less long than it takes to make one. */
  readonly spares?: Insertable<SigningKeys>[]
}

/** The most keys that one change needs: one that signs and one that signs next. */
const SPARES = 2
/** In the place of a private half that is needed no more. */
const ERASED = Buffer.alloc(0)

/** The maker with new signing keys made in advance, since making one takes too long inside a transaction. */
export async function withSpares(maker: KeyMaker): Promise<KeyMaker> {
  const make = () => newSigningKey(maker.algorithm, 'standby', maker.sealer)
  return { ...maker, spares: await Promise.all(Array.from({ length: SPARES }, make)) }
}

async function takeKey(
  { spares, algorithm, sealer }: KeyMaker,
  state: 'active' | 'standby',
): Promise<Insertable<SigningKeys>> {
  const key = spares?.pop() ?? (await newSigningKey(algorithm, state, sealer))
  return { ...key, state }
}

/**
 * How long a signing key is published before it signs: verifiers may keep the set for 300 s, and 60 s more while they
 * fetch it again.
 */
const STANDBY_SECONDS = 360

/**
 * Makes the keys that are missing: one that signs, one that is published to sign next, one for refresh tokens. To be
 * called in a transaction; of several at once, one makes them and the others wait. Keys of another algorithm than
 * the configured one are retired, since verifiers take but one.
 */
export async function fillKeys(db: Kysely<DB>, maker: KeyMaker): Promise<void> {
  const { sealer, algorithm } = maker
  await lockKeys(db)
  await retireSigningKeys(
    db,
    (await listKeysInUse(db)).filter((key) => key.alg !== algorithm).map(({ kid }) => kid),
  )
  const inUse = await listKeysInUse(db)
  let standby = inUse.find((key) => key.state === 'standby')
  if (standby && !inUse.some((key) => key.state === 'active')) {
    await activateSigningKey(db, standby.kid)
    standby = undefined
  } else if (inUse.length === 0) await insertSigningKey(db, await takeKey(maker, 'active'))
  if (!standby) await insertSigningKey(db, await takeKey(maker, 'standby'))

  const refreshKey = await db
    .selectFrom('refresh_keys')
    .select('kid')
    .where('state', '=', 'active')
    .executeTakeFirst()
  if (!refreshKey) await insertRefreshKey(db, newRefreshKey(sealer))
}

/** How the rotation of the signing keys went. */
export type Rotated =
  | { readonly outcome: 'rotated'; readonly from: readonly [string, ...string[]]; readonly to: string }
  /** The standby has not been published for long enough; after so many seconds it will be. */
  | { readonly outcome: 'too_early'; readonly waitSeconds: number }

/**
 * The standby signs from now on, and a new one is published. Tokens of the key before stay good until they expire,
 * unless it is compromised: then the change does not wait, and the caller has to revoke the key, and with it those
 * before it that are still published, of which one may be the key that was stolen.
 */
export async function rotateSigningKeys(
  db: Kysely<DB>,
  maker: KeyMaker,
  { isCompromised }: { readonly isCompromised: boolean },
): Promise<Rotated> {
  await fillKeys(db, maker)
  const inUse = await listKeysInUse(db)
  const [active, standby] = ['active', 'standby'].map((state) => inUse.find((key) => key.state === state))
  if (!active || !standby) throw new Error('the keys that were just made are not there')
  const waitSeconds = Math.ceil(STANDBY_SECONDS - standby.age_seconds)
  if (waitSeconds > 0 && !isCompromised) return { outcome: 'too_early', waitSeconds }
  if (!isCompromised) {
    await retireSigningKeys(db, [active.kid])
    await fillKeys(db, maker)
    return { outcome: 'rotated', from: [active.kid], to: standby.kid }
  }
  const published = await listPublishedSigningKeys(db, maker.algorithm, RETIRED_PUBLISHED_SECONDS)
  const retired = published.filter(({ state }) => state === 'retired').map(({ kid }) => kid)
  await giveUpSigningKeys(db, maker, [active.kid, ...retired])
  return { outcome: 'rotated', from: [active.kid, ...retired], to: standby.kid }
}

/** These keys sign and verify nothing any more; the standby takes the place of the one that signed. */
async function giveUpSigningKeys(db: Kysely<DB>, maker: KeyMaker, kids: readonly string[]): Promise<void> {
  if (kids.length === 0) return
  await lockKeys(db)
  await db
    .updateTable('signing_keys')
    .set({ state: 'compromised', retired_at: sql<Date>`now()`, sealed: ERASED })
    .where('kid', 'in', kids)
    .execute()
  await fillKeys(db, maker)
}

/** Gives up signing and refresh keys by `kid`; each function takes those of its sort. */
export async function giveUpKeys(db: Kysely<DB>, maker: KeyMaker, kids: readonly string[]): Promise<void> {
  if (kids.length === 0) return
  await giveUpSigningKeys(db, maker, kids)
  await giveUpRefreshKeys(db, maker, kids)
}

/** No key that there is signs or verifies access tokens any more. @returns those that could */
export async function giveUpAllSigningKeys(db: Kysely<DB>, maker: KeyMaker): Promise<string[]> {
  await lockKeys(db)
  const rows = await db.selectFrom('signing_keys').select('kid').where('state', '!=', 'compromised').execute()
  const kids = rows.map(({ kid }) => kid)
  await giveUpSigningKeys(db, maker, kids)
  return kids
}

/** New sessions and pairs get refresh tokens under a new key; what the key before signed stays good. */
export async function rotateRefreshKey(db: Kysely<DB>, maker: KeyMaker): Promise<void> {
  await fillKeys(db, maker)
  await db
    .updateTable('refresh_keys')
    .set({ state: 'retired', retired_at: sql<Date>`now()` })
    .where('state', '=', 'active')
    .execute()
  await fillKeys(db, maker)
}

/**
 * No refresh token under these keys can be used any more.
 *
 * @param kids all there are, if undefined
 * @returns the keys that are given up
 */
export async function giveUpRefreshKeys(
  db: Kysely<DB>,
  maker: KeyMaker,
  kids?: readonly string[],
): Promise<string[]> {
  await lockKeys(db)
  const rows = await db
    .updateTable('refresh_keys')
    .set({ state: 'compromised', retired_at: sql<Date>`now()`, sealed: ERASED })
    .where('state', '!=', 'compromised')
    .$if(kids !== undefined, (query) => query.where('kid', '=', sql<string>`any(${kids})`))
    .returning('kid')
    .execute()
  await fillKeys(db, maker)
  return rows.map(({ kid }) => kid)
}

/** Rotates all keys if the one that signs has done so for so many days. @returns whether it did */
export async function rotateWhenDue(db: Kysely<DB>, maker: KeyMaker, days: number): Promise<boolean> {
  const isDue = async (on: Kysely<DB>) => ((await findActiveKeyAge(on)) ?? 0) >= days * 86_400
  if (!(await isDue(db))) return false
  const prepared = await withSpares(maker)
  return db.transaction().execute(async (trx) => {
    await lockKeys(trx)
    // Another instance may have been faster.
    if (!(await isDue(trx))) return false
    const { outcome } = await rotateSigningKeys(trx, prepared, { isCompromised: false })
    if (outcome === 'rotated') await rotateRefreshKey(trx, prepared)
    return outcome === 'rotated'
  })
}

/** Keys are sealed again that an older sealing key has sealed. @returns how many there were */
export async function resealKeys(db: Kysely<DB>, sealer: Sealer): Promise<number> {
  await lockKeys(db)
  let count = 0
  for (const table of ['signing_keys', 'refresh_keys'] as const) {
    const rows = await db
      .selectFrom(table)
      .select(['kid', 'sealed', 'sealed_by'])
      .where('sealed_by', '!=', sealer.keyId)
      .where('sealed', '!=', ERASED)
      .execute()
    for (const { kid, sealed, sealed_by } of rows) {
      const again = sealer.seal(sealer.open(sealed, sealed_by, kid), kid)
      await db
        .updateTable(table)
        .set({ sealed: again, sealed_by: sealer.keyId })
        .where('kid', '=', kid)
        .execute()
    }
    count += rows.length
  }
  return count
}

async function retireSigningKeys(db: Kysely<DB>, kids: readonly string[]): Promise<void> {
  if (kids.length === 0) return
  await db
    .updateTable('signing_keys')
    .set({ state: 'retired', retired_at: sql<Date>`now()`, sealed: ERASED })
    .where('kid', 'in', kids)
    .execute()
}

async function activateSigningKey(db: Kysely<DB>, kid: string): Promise<void> {
  await db
    .updateTable('signing_keys')
    .set({ state: 'active', activated_at: sql<Date>`now()` })
    .where('kid', '=', kid)
    .execute()
}
