import { sql, type Kysely } from 'kysely'
import type { Position } from '@portcullis/schemas'
import type { DB } from '../../database/tables.ts'
import { admit, AUTH_CLIENT_ID, isOfReader, isReader, type Admission } from './admit.ts'
import { isSameHistory } from '../log.ts'

/** What the table of verifiers keeps of each. */
export interface VerifierEntry {
  readonly name: string
  readonly clientId: string
  /** Seconds of silence of the log after which it stops accepting tokens. */
  readonly maxAge: number
  /** What it has applied, if it says so here rather than in Redis. */
  readonly position?: Position
}

/** What became of those who wanted to enter the table. */
export interface Entry extends Pick<Admission<VerifierEntry>, 'full'> {
  /** Names of those that stand in it now. */
  readonly present: ReadonlySet<string>
  /** Names of those of them that did not before. */
  readonly joined: ReadonlySet<string>
}

/**
 * Clients whose verifiers are listened to: also those that may read the log no more, until theirs have left, and auth,
 * whose first instance is not in the table yet.
 */
export async function listVerifierClientIds(db: Kysely<DB>): Promise<string[]> {
  const rows = await db
    .selectFrom('clients')
    .select('client_id')
    .where(isReader)
    .union(db.selectFrom('verifiers').select('client_id'))
    .execute()
  return [...new Set([AUTH_CLIENT_ID, ...rows.map((row) => row.client_id)])]
}

/**
 * From the commit of this on, every revocation waits for these verifiers. The head row is locked first: a
 * revocation that is under way either sees them in the table, or is committed before they are told that they
 * have joined, and so before they serve. Passed over are those whose client may not read the log, or has too many;
 * who is not `present` must not be told any mark.
 */
export async function insertVerifiers(db: Kysely<DB>, entries: readonly VerifierEntry[]): Promise<Entry> {
  // Every revocation waits for the lock: it is not taken for those who would be passed over anyway.
  const { admitted, full } = await admit(db, entries)
  if (admitted.length === 0) return { present: new Set(), joined: new Set(), full }
  return db.transaction().execute(async (trx) => {
    await trx.selectFrom('revocation_head').select('seq').forUpdate().execute()
    // Once more, since others may have entered meanwhile; under the lock nobody does.
    const { admitted, full } = await admit(trx, entries)
    const rows = admitted.length === 0 ? [] : await upsertVerifiers(trx, admitted)
    return {
      present: new Set(rows.map((row) => row.name)),
      joined: new Set(rows.filter((row) => row.is_new).map((row) => row.name)),
      full,
    }
  })
}

/** By the code units of their names, which are of ASCII: the order that `lockInOrder` locks in. */
function byName(a: VerifierEntry, b: VerifierEntry): number {
  return a.name < b.name ? -1 : Number(a.name > b.name)
}

function upsertVerifiers(trx: Kysely<DB>, entries: readonly VerifierEntry[]) {
  return trx
    .insertInto('verifiers')
    .values(
      entries.toSorted(byName).map(({ name, clientId, maxAge, position }) => ({
        name,
        client_id: clientId,
        max_age: maxAge,
        epoch: position?.epoch ?? 0,
        seq: position?.seq ?? 0,
      })),
    )
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet((e) => ({
        max_age: e.ref('excluded.max_age'),
        seen_at: sql<Date>`clock_timestamp()`,
      })),
    )
    .returning(['name', sql<boolean>`old.name is null`.as('is_new')])
    .execute()
}

/**
 * Puts those back whose rows the database has lost. Whether their clients may read the log is not asked: they serve, and
 * leave the table as any that fall silent. The head row is locked as when they joined.
 *
 * @returns how many were missing
 */
export async function restoreVerifiers(db: Kysely<DB>, entries: readonly VerifierEntry[]): Promise<number> {
  if (entries.length === 0) return 0
  const [names, clientIds, ages] = [
    entries.map(({ name }) => name),
    entries.map(({ clientId }) => clientId),
    entries.map(({ maxAge }) => maxAge),
  ]
  return db.transaction().execute(async (trx) => {
    await trx.selectFrom('revocation_head').select('seq').forUpdate().execute()
    const { numInsertedOrUpdatedRows } = await trx
      .insertInto('verifiers')
      .columns(['name', 'client_id', 'max_age'])
      .expression(
        sql`select * from unnest(${names}::text[], ${clientIds}::text[], ${ages}::double precision[])`,
      )
      .onConflict((conflict) => conflict.column('name').doNothing())
      .executeTakeFirstOrThrow()
    return Number(numInsertedOrUpdatedRows ?? 0n)
  })
}

/**
 * Rows of these verifiers, locked in the order of their names. Everybody locks several in that order: else two would
 * wait for each other, and one of them may hold the head row, which every revocation waits for.
 */
function lockInOrder(db: Kysely<DB>, names: readonly string[]) {
  return db
    .selectFrom('verifiers')
    .select('name')
    .where('name', 'in', names)
    .orderBy(sql`name collate "C"`)
    .forUpdate()
}

/**
 * Notes that these have been heard.
 *
 * @returns names of those that are in the table, and whose client may read the log
 */
export async function renewVerifiers(db: Kysely<DB>, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return []
  const rows = await db
    .with('locked', () => lockInOrder(db, names).where(isOfReader))
    .updateTable('verifiers')
    .from('locked')
    .set({ seen_at: sql<Date>`clock_timestamp()` })
    .whereRef('verifiers.name', '=', 'locked.name')
    .returning('verifiers.name')
    .execute()
  return rows.map((row) => row.name)
}

/**
 * Notes that this one has been heard, and how far it is.
 *
 * @returns whether it is in the table, and its client may read the log
 */
export async function renewVerifierAt(
  db: Kysely<DB>,
  { name, maxAge, position }: { readonly name: string; readonly maxAge: number; readonly position: Position },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('verifiers')
    .set({ ...position, max_age: maxAge, seen_at: sql<Date>`clock_timestamp()` })
    .where('name', '=', name)
    .where(isOfReader)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Takes these out. @returns names of those that were there */
export async function deleteVerifiers(db: Kysely<DB>, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return []
  const rows = await db
    .with('locked', () => lockInOrder(db, names))
    .deleteFrom('verifiers')
    .using('locked')
    .whereRef('verifiers.name', '=', 'locked.name')
    .returning('verifiers.name')
    .execute()
  return rows.map((row) => row.name)
}

/**
 * Every row, with the time that changes whenever its verifier is heard, and the epoch that they were read in. None if the
 * database is one that may have lost some, and is not mended yet.
 */
export function listVerifierLeases(db: Kysely<DB>) {
  return db
    .selectFrom('verifiers as v')
    .innerJoin('revocation_head as h', (join) => join.onTrue())
    .select(['v.name', 'v.client_id', 'v.max_age', 'v.seen_at', 'h.epoch'])
    .where(isSameHistory)
    .execute()
}

/** Takes a verifier out if it has not been heard since. @returns whether it was there */
export async function deleteVerifierSeenAt(db: Kysely<DB>, name: string, seenAt: Date): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('verifiers')
    .where('name', '=', name)
    .where('seen_at', '=', seenAt)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** What a verifier that is not heard in Redis has applied. */
export async function updateVerifierPosition(
  db: Kysely<DB>,
  name: string,
  position: Position,
): Promise<void> {
  await db.updateTable('verifiers').set(position).where('name', '=', name).execute()
}

/** Whoever has to have applied a revocation before it can be called done. */
export function listVerifiers(db: Kysely<DB>): Promise<{ name: string; client_id: string }[]> {
  return db.selectFrom('verifiers').select(['name', 'client_id']).execute()
}
