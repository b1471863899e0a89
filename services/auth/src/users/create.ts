import { isUniqueViolation, problem } from '@portcullis/service-kit'
import type { Transact } from '../database/transaction.ts'
import { insertUser, type NewUser, type ShownUser } from './queries.ts'

/**
 * Makes a user and tells other services of it.
 *
 * @throws {ProblemError} AUTH_USERNAME_TAKEN, AUTH_EMAIL_TAKEN
 */
export async function createUser(stores: { readonly transact: Transact }, user: NewUser): Promise<ShownUser> {
  try {
    const { value } = await stores.transact(async (trx) => {
      const inserted = await insertUser(trx, user)
      return { value: inserted, change: { userId: inserted.id, username: inserted.username, deleted: false } }
    })
    return value
  } catch (error) {
    throw takenAsProblem(error)
  }
}

/** A username or an email that somebody else has, as the problem that names the field. */
export function takenAsProblem(error: unknown): unknown {
  const taken = (pointer: string) => ({ errors: [{ pointer, code: 'taken', detail: 'is taken' }] })
  if (isUniqueViolation(error, 'users_username_key'))
    return problem('AUTH_USERNAME_TAKEN', taken('/username'))
  if (isUniqueViolation(error, 'users_email_key')) return problem('AUTH_EMAIL_TAKEN', taken('/email'))
  return error
}
