import { sql, type Expression, type Insertable, type Kysely, type RawBuilder } from 'kysely'
import { MAX_ACCESS_TTL_SECONDS } from '@portcullis/schemas'
import type { DB, RefreshKeys, SigningKeys } from '../database/tables.ts'

/** A retired key is published until every token that it may have signed has expired, and for clocks that differ. */
export const RETIRED_PUBLISHED_SECONDS = MAX_ACCESS_TTL_SECONDS + 300

/** Serialises everybody who makes or rotates keys; held until the transaction ends. */
const KEYS_LOCK = 7_170_011

export async function lockKeys(db: Kysely<DB>): Promise<void> {
  await sql`select pg_advisory_xact_lock(${KEYS_LOCK})`.execute(db)
}

/** The key that signs and the one that signs next, without their private halves. */
export function listKeysInUse(db: Kysely<DB>) {
  return db
    .selectFrom('signing_keys')
    .select(['kid', 'alg', 'state', ageOf('created_at').as('age_seconds')])
    .where('state', 'in', ['active', 'standby'])
    .execute()
}

/** Every signing key of this algorithm whose tokens may still be alive, newest first. */
export function listPublishedSigningKeys(db: Kysely<DB>, alg: 'ES256' | 'RS256', tokenLifeSeconds: number) {
  return db
    .selectFrom('signing_keys')
    .select(['kid', 'alg', 'public_jwk', 'sealed', 'sealed_by', 'state'])
    .where('alg', '=', alg)
    .where((e) =>
      e.or([
        e('state', 'in', ['active', 'standby']),
        e.and([e('state', '=', 'retired'), e(ageOf('retired_at'), '<', tokenLifeSeconds)]),
      ]),
    )
    .orderBy('created_at', 'desc')
    .orderBy('kid')
    .execute()
}

/** Every refresh key that still verifies: the one in use, and its predecessors for as long as a session can last. */
export function listRefreshKeys(db: Kysely<DB>, sessionLifeSeconds: number) {
  return db
    .selectFrom('refresh_keys')
    .select(['kid', 'sealed', 'sealed_by', 'state', ageOf('created_at').as('age_seconds')])
    .where((e) =>
      e.or([
        e('state', '=', 'active'),
        e.and([e('state', '=', 'retired'), e(ageOf('retired_at'), '<', sessionLifeSeconds)]),
      ]),
    )
    .orderBy('created_at', 'desc')
    .execute()
}

/**
 * Whether the refresh key with this `kid` has not been given up, as a part of a statement. An instance that was halted
 * meanwhile may still hold it.
 */
export function isRefreshKeyKept(kid: Expression<string>): RawBuilder<boolean> {
  return sql<boolean>`exists (select from refresh_keys where kid = ${kid} and state <> 'compromised')`
}

/** All that is known of all keys but their private halves, newest first. */
export async function listKeys(db: Kysely<DB>) {
  const [signing, refresh] = await Promise.all([
    db
      .selectFrom('signing_keys')
      .select(['kid', 'alg', 'state', 'sealed_by', 'created_at', 'activated_at', 'retired_at'])
      .orderBy('created_at', 'desc')
      .execute(),
    db
      .selectFrom('refresh_keys')
      .select(['kid', 'state', 'sealed_by', 'created_at', 'retired_at'])
      .orderBy('created_at', 'desc')
      .execute(),
  ])
  return { signing, refresh }
}

/** Seconds since the key that signs began to. */
export async function findActiveKeyAge(db: Kysely<DB>): Promise<number | undefined> {
  const row = await db
    .selectFrom('signing_keys')
    .select(ageOf('activated_at').as('age_seconds'))
    .where('state', '=', 'active')
    .executeTakeFirst()
  return row?.age_seconds
}

export async function insertSigningKey(db: Kysely<DB>, key: Insertable<SigningKeys>): Promise<void> {
  const activated_at = key.state === 'active' ? sql<Date>`now()` : null
  await db
    .insertInto('signing_keys')
    .values({ ...key, activated_at })
    .execute()
}

export async function insertRefreshKey(db: Kysely<DB>, key: Insertable<RefreshKeys>): Promise<void> {
  await db.insertInto('refresh_keys').values(key).execute()
}

/** In seconds, by the database's clock. */
function ageOf(column: 'created_at' | 'activated_at' | 'retired_at') {
  return sql<number>`extract(epoch from now() - ${sql.ref(column)})::double precision`
}
