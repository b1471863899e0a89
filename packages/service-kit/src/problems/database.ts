import { databaseFailure } from '../stores/errors.ts'
import { RETRY_SOON, problem, type ProblemError } from './problem.ts'

/**
 * An error of the database as a problem; undefined if it is of another kind.
 *
 * @param mayHaveWritten whether what was under way may have changed something
 */
export function databaseProblem(error: unknown, mayHaveWritten: boolean): ProblemError | undefined {
  const failure = databaseFailure(error)
  if (failure === undefined) return undefined
  if (failure === 'conflict') return problem('CONFLICT', { cause: error })
  const code = failure === 'lost' && mayHaveWritten ? 'OUTCOME_UNKNOWN' : 'UNAVAILABLE'
  return problem(code, { cause: error, headers: RETRY_SOON })
}
