import { databaseErrorOf, databaseFailure, problem, ProblemError, RETRY_SOON } from '@portcullis/service-kit'

/** How the database failed, if it did: also where the error has become a problem for the caller. */
export function failureOf(error: unknown): ReturnType<typeof databaseFailure> {
  return databaseFailure(error instanceof ProblemError ? error.cause : error)
}

/** What a commit that failed is told as. */
export function commitFailure(error: unknown): unknown {
  const isLost = failureOf(error) === 'lost'
  const code = isLost ? 'OUTCOME_UNKNOWN' : isOtherHistory(error) ? 'UNAVAILABLE' : undefined
  return code === undefined ? error : problem(code, { cause: error, headers: RETRY_SOON })
}

/** The database was promoted or restored, and the relay has not begun a new epoch yet. */
function isOtherHistory(error: unknown): boolean {
  return databaseErrorOf(error)?.code === 'PC001'
}
