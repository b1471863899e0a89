import type { Kysely, Transaction } from 'kysely'
import { databaseProblem } from '../problems/database.ts'
import { ProblemError } from '../problems/problem.ts'
import { databaseFailure } from './errors.ts'

/**
 * Runs `work` in a transaction and commits what it did; what it returns is the outcome. Errors that should not
 * undo the work are outcomes too: return them, and throw after the commit.
 *
 * @throws {ProblemError} UNAVAILABLE if the database went away before the commit, OUTCOME_UNKNOWN if it went
 * away during the commit, CONFLICT if PostgreSQL chose this transaction to give way to another.
 */
export async function transact<DB, T>(
  db: Kysely<DB>,
  work: (trx: Transaction<DB>) => Promise<T>,
): Promise<T> {
  let committing = false
  try {
    const trx = await db.startTransaction().execute()
    try {
      const outcome = await work(trx)
      committing = true
      await trx.commit().execute()
      return outcome
    } catch (error) {
      // Also after a failed commit: Kysely returns the connection only after a commit or rollback. If the rollback fails,
      // it is dropped.
      const rolledBack = trx
        .rollback()
        .execute()
        .catch(() => undefined)
      // A lost server would not answer the rollback either; the caller does not wait for a second timeout.
      if (databaseFailure(error) !== 'lost') await rolledBack
      throw error
    }
  } catch (error) {
    throw databaseProblem(error, committing) ?? error
  }
}

/** Whether what failed may have taken effect all the same: the connection was lost while it was under way. */
export function isOutcomeUnknown(error: unknown): boolean {
  return error instanceof ProblemError ? error.code === 'OUTCOME_UNKNOWN' : databaseFailure(error) === 'lost'
}
