import { sql, type Kysely } from 'kysely'
import type { Replica } from '@portcullis/token-verifier'
import type { DB } from '../database/tables.ts'
import type { Transact } from '../database/transaction.ts'

const PAGE = 2000
/** `end_reason` of the sessions that are ended once more. */
const REASON = 'history_lost'

/** Gives up keys of either sort, in the transaction that it is called in. */
export type GiveUpKeys = (trx: Kysely<DB>, kids: readonly string[]) => Promise<void>

/** What the replica knows to be dead, and the database takes for alive. */
export interface Lost {
  readonly sessions: readonly { readonly id: string; readonly user_id: string }[]
  /** With the version that is the lowest alive; those who were deleted have none. */
  readonly users: readonly { readonly id: string; readonly ver: number | undefined }[]
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
  const lost: { id: string; user_id: string }[] = []
  for await (const page of pages((after) => listLive(db, after)))
    for (const { id, user_id, gen } of page)
      if (replica.held('session', id) !== undefined || (replica.held('session_gen', id) ?? 0) > gen)
        lost.push({ id, user_id })
  return lost
}

function listLive(db: Kysely<DB>, after: string | undefined) {
  return db
    .selectFrom('sessions')
    .select(['id', 'user_id', 'gen'])
    .where('ended_at', 'is', null)
    .$if(after !== undefined, (query) => query.where('id', '>', after ?? ''))
    .orderBy('id')
    .limit(PAGE)
    .execute()
}

async function findLostUsers(db: Kysely<DB>, replica: Replica): Promise<Lost['users']> {
  const lost: { id: string; ver: number | undefined }[] = []
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
export async function endLost(db: Kysely<DB>, { sessions, users, clients }: Lost): Promise<void> {
  for (const { id, ver } of users)
    await db.transaction().execute(async (trx) => {
      await trx
        .updateTable('users')
        .set({ ver: ver ?? sql<number>`ver + 1`, ...(ver === undefined && { status: 'disabled' as const }) })
        .where('id', '=', id)
        .$if(ver !== undefined, (query) => query.where('ver', '<', ver ?? 0))
        .execute()
      await end(trx, 'user_id', [id])
    })
  for (let at = 0; at < sessions.length; at += PAGE)
    await end(
      db,
      'id',
      sessions.slice(at, at + PAGE).map(({ id }) => id),
    )
  for (const { id, ver } of clients)
    await db.updateTable('clients').set({ ver }).where('client_id', '=', id).where('ver', '<', ver).execute()
}

async function end(db: Kysely<DB>, column: 'id' | 'user_id', values: readonly string[]): Promise<void> {
  await db
    .updateTable('sessions')
    .set({ ended_at: sql<Date>`now()`, end_reason: REASON })
    .where(column, 'in', values)
    .where('ended_at', 'is', null)
    .execute()
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
  for (const { id, ver } of clients)
    await transact(async (trx) => {
      const client = await trx
        .updateTable('clients')
        .set({ ver: sql<number>`greatest(ver + 1, ${ver})` })
        .where('client_id', '=', id)
        .returning('ver')
        .executeTakeFirst()
      return { value: undefined, revoke: client && { kind: 'client', key: id, value: client.ver } }
    })
  for (const { id, ver } of users)
    await transact(async (trx) => {
      const user = await trx
        .updateTable('users')
        .set({
          ver: sql<number>`greatest(ver + 1, ${ver ?? 0})`,
          ...(ver === undefined && { status: 'disabled' as const }),
        })
        .where('id', '=', id)
        .returning('ver')
        .executeTakeFirst()
      await end(trx, 'user_id', [id])
      return { value: undefined, revoke: user && { kind: 'user', key: id, value: user.ver } }
    })
  for (const { id } of sessions)
    await transact(async (trx) => {
      await end(trx, 'id', [id])
      return { value: undefined, revoke: { kind: 'session', key: id } }
    })
}
