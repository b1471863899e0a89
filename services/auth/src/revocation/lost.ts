import { sql, type Kysely } from 'kysely'
import type { Replica } from '@portcullis/token-verifier'
import type { DB } from '../database/tables.ts'
import type { Transact } from '../database/transaction.ts'

const PAGE = 2000
/** `end_reason` of the sessions that are ended once more. */
const REASON = 'history_lost'

/** Gives up keys of either sort, in the transaction that it is called in. */
export type GiveUpKeys = (trx: Kysely<DB>, kids: readonly string[]) => Promise<void>

interface LostSession {
  readonly id: string
  readonly gen: number | undefined
}

interface LostUser {
  readonly id: string
  readonly ver: number | undefined
}

/** What the replica knows to be dead, and the database takes for alive. */
export interface Lost {
  /** With the generation that is the lowest alive; those that were ended have none. */
  readonly sessions: readonly LostSession[]
  /** With the version that is the lowest alive; those who were deleted have none. */
  readonly users: readonly LostUser[]
  readonly clients: readonly { readonly id: string; readonly ver: number }[]
  /** Of keys that sign, and of those of refresh tokens. */
  readonly kids: readonly string[]
}

/** Compares everything that is alive with a replica that may know more than the database. */
export async function findLost(db: Kysely<DB>, replica: Replica): Promise<Lost> {
  const [sessions, users, clients, keys, refreshKeys] = await Promise.all([
    findLostSessions(db, replica),
    findLostUsers(db, replica),
    db.selectFrom('clients').select(['client_id', 'ver']).execute(),
    db.selectFrom('signing_keys').select('kid').where('state', '!=', 'compromised').execute(),
    db.selectFrom('refresh_keys').select('kid').where('state', '!=', 'compromised').execute(),
  ])
  return {
    sessions,
    users,
    clients: clients.flatMap(({ client_id, ver }) => {
      const held = replica.held('client', client_id) ?? 0
      return held > ver ? [{ id: client_id, ver: held }] : []
    }),
    kids: [...keys, ...refreshKeys]
      .map(({ kid }) => kid)
      .filter((kid) => replica.held('key', kid) !== undefined),
  }
}

async function findLostSessions(db: Kysely<DB>, replica: Replica): Promise<Lost['sessions']> {
  const lost: LostSession[] = []
  for await (const page of pages((after) => listLive(db, after)))
    for (const { id, gen } of page) {
      const held = replica.held('session_gen', id) ?? 0
      if (replica.held('session', id) !== undefined) lost.push({ id, gen: undefined })
      else if (held > gen) lost.push({ id, gen: held })
    }
  return lost
}

function listLive(db: Kysely<DB>, after: string | undefined) {
  return db
    .selectFrom('sessions')
    .select(['id', 'gen'])
    .where('ended_at', 'is', null)
    .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
    .orderBy('id')
    .limit(PAGE)
    .execute()
}

async function findLostUsers(db: Kysely<DB>, replica: Replica): Promise<Lost['users']> {
  const lost: LostUser[] = []
  for await (const page of pages((after) => listVersions(db, after)))
    for (const { id, ver, status } of page) {
      const held = replica.held('user', id) ?? 0
      const isDeleted = held === Number.MAX_SAFE_INTEGER
      if (isDeleted ? status === 'active' : held > ver) lost.push({ id, ver: isDeleted ? undefined : held })
    }
  return lost
}

function listVersions(db: Kysely<DB>, after: string | undefined) {
  return db
    .selectFrom('users')
    .select(['id', 'ver', 'status'])
    .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
    .orderBy('id')
    .limit(PAGE)
    .execute()
}

async function* pages<T extends { readonly id: string }>(
  list: (after: string | undefined) => Promise<T[]>,
): AsyncGenerator<T[]> {
  let page = await list(undefined)
  while (page.length > 0) {
    yield page
    page = page.length === PAGE ? await list(page.at(-1)?.id) : []
  }
}

/**
 * Ends what was found, in the database alone: for before a new epoch, which the tokens die by. A user whose
 * deletion was lost is disabled, because what else was deleted with them is not known here.
 */
export async function endLost(
  db: Kysely<DB>,
  transact: Transact,
  { sessions, users, clients }: Lost,
): Promise<void> {
  for (const user of users)
    await transact(async (trx) => {
      const isEnded = await endUser(trx, user)
      return { value: undefined, touched: isEnded ? user.id : undefined }
    })
  for (let at = 0; at < sessions.length; at += PAGE) await endSessions(db, sessions.slice(at, at + PAGE))
  for (const client of clients) await raiseClientVersion(db, client)
}

async function raiseClientVersion(db: Kysely<DB>, { id, ver }: Lost['clients'][number]): Promise<void> {
  await db.updateTable('clients').set({ ver }).where('client_id', '=', id).where('ver', '<', ver).execute()
}

/**
 * Ends the sessions of a user who still is as they were found. What the replica knows it may just have heard from the
 * database, after the row was read: what is there already is not lost.
 *
 * @returns whether the user still was so
 */
async function endUser(trx: Kysely<DB>, { id, ver }: LostUser): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('users')
    .set(ver === undefined ? { ver: sql<number>`ver + 1`, status: 'disabled' } : { ver })
    .where('id', '=', id)
    .where((e) => (ver === undefined ? e('status', '=', 'active') : e('ver', '<', ver)))
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return false
  await end(trx).where('user_id', '=', id).execute()
  return true
}

/** Ends those that still are as they were found. */
async function endSessions(db: Kysely<DB>, sessions: readonly LostSession[]): Promise<void> {
  const ids = sessions.map(({ id }) => id)
  const gens = sessions.map(({ gen }) => gen ?? Number.MAX_SAFE_INTEGER)
  await end(db)
    .from(
      sql<{ id: string; gen: number }>`unnest(${ids}::uuid[], ${gens}::bigint[])`.as<'lost'>(
        sql`lost(id, gen)`,
      ),
    )
    .whereRef('sessions.id', '=', 'lost.id')
    .whereRef('sessions.gen', '<', 'lost.gen')
    .execute()
}

function end(db: Kysely<DB>) {
  return db
    .updateTable('sessions')
    .set({ ended_at: sql<Date>`now()`, end_reason: REASON })
    .where('ended_at', 'is', null)
}

/** Ends what was found as anything else is ended: for when the new epoch was begun by an instance that knew less. */
export async function revokeLost(
  transact: Transact,
  { sessions, users, clients, kids }: Lost,
  giveUpKeys: GiveUpKeys,
): Promise<void> {
  for (const kid of kids)
    await transact(async (trx) => {
      await giveUpKeys(trx, [kid])
      return { value: undefined, revoke: { kind: 'key', key: kid } }
    })
  for (const lost of clients)
    await transact(async (trx) => {
      const { id } = lost
      await raiseClientVersion(trx, lost)
      const client = await trx
        .selectFrom('clients')
        .select('ver')
        .where('client_id', '=', id)
        .executeTakeFirst()
      return { value: undefined, revoke: client && { kind: 'client', key: id, value: client.ver } }
    })
  for (const lost of users)
    await transact(async (trx) => {
      const { id } = lost
      await endUser(trx, lost)
      // Told even if there was nothing to end: whoever has ended it may not have been able to tell.
      const user = await trx.selectFrom('users').select('ver').where('id', '=', id).executeTakeFirst()
      return { value: undefined, revoke: user && { kind: 'user', key: id, value: user.ver } }
    })
  for (const lost of sessions)
    await transact(async (trx) => {
      await endSessions(trx, [lost])
      const alive = await trx
        .selectFrom('sessions')
        .select('id')
        .where('id', '=', lost.id)
        .where('ended_at', 'is', null)
        .executeTakeFirst()
      return { value: undefined, revoke: alive ? undefined : { kind: 'session', key: lost.id } }
    })
}
