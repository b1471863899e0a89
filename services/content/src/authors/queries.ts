import type { Kysely } from 'kysely'
import { TokenError, withChallenge } from '@portcullis/token-verifier'
import type { DB } from '../database/tables.ts'

/** Who writes, as the token says. */
export interface Writer {
  readonly id: string
  readonly username: string
}

/**
 * Makes the author's row from the token's claims if there is none. The claims of a token can be older than what
 * the row says, so they never change it.
 *
 * @throws {TokenError} AUTH_TOKEN_INVALID if the user has been deleted: the token outlived them by a moment.
 */
async function insertMissingAuthor(db: Kysely<DB>, { id, username }: Writer): Promise<void> {
  await db
    .insertInto('authors')
    .columns(['id', 'username', 'round'])
    .expression((values) =>
      values
        .selectFrom('user_changes_cursor')
        .select((eb) => [eb.val(id).as('id'), eb.val(username).as('username'), 'round']),
    )
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
  const row = await db.selectFrom('authors').select('deleted').where('id', '=', id).executeTakeFirst()
  if (row?.deleted === true) throw deletedUser()
}

function deletedUser(): Error {
  return withChallenge(new TokenError('AUTH_TOKEN_INVALID', 'the user has been deleted'), 'portcullis')
}

/**
 * Inserts what belongs to an author, through `insert`, which locks the author's row and gives undefined if there
 * is no such row or its user has been deleted.
 */
export async function insertForAuthor<T>(
  db: Kysely<DB>,
  writer: Writer,
  insert: () => Promise<T | undefined>,
): Promise<T> {
  const inserted = await insert()
  if (inserted !== undefined) return inserted
  await insertMissingAuthor(db, writer)
  const retried = await insert()
  if (retried === undefined) throw deletedUser()
  return retried
}
