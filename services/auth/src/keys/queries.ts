import type { Insertable, Kysely, Selectable } from 'kysely'
import { sql } from 'kysely'
import type { DB, RefreshKeys, SigningKeys } from '../database/tables.ts'

/** Serialises everybody who makes or rotates keys; held until the transaction ends. */
const KEYS_LOCK = 7_170_011

export async function lockKeys(db: Kysely<DB>): Promise<void> {
  await sql`select pg_advisory_xact_lock(${KEYS_LOCK})`.execute(db)
}

/** Every signing key whose tokens may still be alive, newest first. */
export function listPublishedSigningKeys(
  db: Kysely<DB>,
  tokenLifeSeconds: number,
): Promise<Selectable<SigningKeys>[]> {
  return db
    .selectFrom('signing_keys')
    .selectAll()
    .where((e) =>
      e.or([
        e('state', 'in', ['active', 'standby']),
        e.and([
          e('state', '=', 'retired'),
          e('retired_at', '>', sql<Date>`now() - make_interval(secs => ${tokenLifeSeconds})`),
        ]),
      ]),
    )
    .orderBy('created_at', 'desc')
    .execute()
}

/** Every refresh key that still verifies: the one in use, and its predecessors for as long as a session can last. */
export function listRefreshKeys(
  db: Kysely<DB>,
  sessionLifeSeconds: number,
): Promise<Selectable<RefreshKeys>[]> {
  return db
    .selectFrom('refresh_keys')
    .selectAll()
    .where((e) =>
      e.or([
        e('state', '=', 'active'),
        e.and([
          e('state', '=', 'retired'),
          e('retired_at', '>', sql<Date>`now() - make_interval(secs => ${sessionLifeSeconds})`),
        ]),
      ]),
    )
    .orderBy('created_at', 'desc')
    .execute()
}

export async function insertSigningKey(db: Kysely<DB>, key: Insertable<SigningKeys>): Promise<void> {
  await db.insertInto('signing_keys').values(key).execute()
}

export async function insertRefreshKey(db: Kysely<DB>, key: Insertable<RefreshKeys>): Promise<void> {
  await db.insertInto('refresh_keys').values(key).execute()
}
