import { isUniqueViolation, problem, type ProblemError } from '@portcullis/service-kit'
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

/** A unique violation of the username or the email as the problem that names the field. */
export function takenAsProblem(error: unknown): unknown {
  if (isUniqueViolation(error, 'users_username_key')) return takenProblem('username')
  if (isUniqueViolation(error, 'users_email_key')) return takenProblem('email')
  return error
}

/** Somebody else has it. */
export function takenProblem(field: 'username' | 'email'): ProblemError {
  return problem(field === 'username' ? 'AUTH_USERNAME_TAKEN' : 'AUTH_EMAIL_TAKEN', {
    errors: [{ pointer: `/${field}`, code: 'taken', detail: 'is taken' }],
  })
}
