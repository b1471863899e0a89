import { sql, type Kysely, type Selectable, type Updateable } from 'kysely'
import type { Client } from '@portcullis/schemas'
import type { Place } from '../database/place.ts'
import type { Clients, DB } from '../database/tables.ts'

/** What is shown of a client; the hash of its secret never rides along. */
const shown = ['client_id', 'name', 'scopes', 'status', 'created_at', 'updated_at'] as const

export type ShownClient = Pick<Selectable<Clients>, (typeof shown)[number]>

/** The client as it crosses the process border. */
export function toClient(row: ShownClient): Client {
  return { ...row, created_at: row.created_at.toISOString(), updated_at: row.updated_at.toISOString() }
}

export interface NewClient {
  readonly client_id: string
  readonly name: string
  readonly secret_hash: string
  readonly scopes: string[]
}

/**
 * Makes a client, unless there is one of this id. Its first version is above that of a client which had the id
 * before: the tokens of that one stay dead, and those of the new one live.
 */
export function insertClient(db: Kysely<DB>, client: NewClient): Promise<ShownClient | undefined> {
  return db.transaction().execute(async (trx) => {
    const inserted = await trx
      .insertInto('clients')
      .values(client)
      .onConflict((conflict) => conflict.column('client_id').doNothing())
      .returning(shown)
      .executeTakeFirst()
    // The insert may have waited for the end of the one before, and only a later statement sees what that has left.
    if (inserted) await raiseOverPredecessor(trx, client.client_id)
    return inserted
  })
}

async function raiseOverPredecessor(trx: Kysely<DB>, clientId: string): Promise<void> {
  await trx
    .updateTable('clients')
    .from((e) =>
      e
        .selectFrom('revocations')
        .select((f) => f.fn.max('value').as('ver'))
        .where('kind', '=', 'client')
        .where('key', '=', clientId)
        .as('before'),
    )
    .set((e) => ({ ver: e.ref('before.ver') }))
    .where('client_id', '=', clientId)
    .where('before.ver', 'is not', null)
    .execute()
}

export function findClientById(db: Kysely<DB>, clientId: string): Promise<ShownClient | undefined> {
  return db.selectFrom('clients').select(shown).where('client_id', '=', clientId).executeTakeFirst()
}

/** What a client's authentication is checked against, and what its tokens are made of, read as one. */
export function findClientCredentials(db: Kysely<DB>, clientId: string) {
  return db
    .selectFrom('clients')
    .select(['client_id', 'secret_hash', 'scopes', 'status', 'ver'])
    .where('client_id', '=', clientId)
    .executeTakeFirst()
}

/** Clients, newest first. */
export function listClients(
  db: Kysely<DB>,
  page: { readonly before?: Place | undefined; readonly limit: number },
): Promise<ShownClient[]> {
  const { before, limit } = page
  return db
    .selectFrom('clients')
    .select(shown)
    .$if(before !== undefined, (query) =>
      query.where(
        sql<boolean>`(created_at, client_id) < (${before?.createdAt}::timestamptz, ${before?.name})`,
      ),
    )
    .orderBy('created_at', 'desc')
    .orderBy('client_id', 'desc')
    .limit(limit)
    .execute()
}

/** The client before it is changed. */
export function lockClientToChange(db: Kysely<DB>, clientId: string) {
  return db
    .selectFrom('clients')
    .select([...shown, 'ver'])
    .where('client_id', '=', clientId)
    .forUpdate()
    .executeTakeFirst()
}

/** Changes a client. With `raise` the version of new tokens goes up: every token issued so far is dead. */
export function updateClient(
  db: Kysely<DB>,
  clientId: string,
  change: Pick<Updateable<Clients>, 'name' | 'scopes' | 'status' | 'secret_hash'>,
  raise: boolean,
) {
  return db
    .updateTable('clients')
    .set({ ...change, ver: sql<number>`ver + ${raise ? 1 : 0}`, updated_at: sql<Date>`now()` })
    .where('client_id', '=', clientId)
    .returning([...shown, 'ver'])
    .executeTakeFirst()
}

export function deleteClientById(db: Kysely<DB>, clientId: string) {
  return db
    .deleteFrom('clients')
    .where('client_id', '=', clientId)
    .returning([...shown, 'ver'])
    .executeTakeFirst()
}
