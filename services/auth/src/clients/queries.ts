import type { Kysely } from 'kysely'
import type { DB } from '../database/tables.ts'

/** Makes a client. Whether it is new: one that has this id already stays as it is. */
export async function insertClient(
  db: Kysely<DB>,
  client: { client_id: string; name: string; secret_hash: string; scopes: string[] },
): Promise<boolean> {
  const result = await db
    .insertInto('clients')
    .values(client)
    .onConflict((conflict) => conflict.column('client_id').doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}
