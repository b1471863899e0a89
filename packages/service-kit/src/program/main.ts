import { ConfigError } from '../config/load.ts'
import { ListenError } from '../http/listen-error.ts'
import { ProblemError } from '../problems/problem.ts'
import { databaseErrorOf, databaseFailure } from '../stores/errors.ts'

/** Of sysexits.h: the configuration is at fault, and starting again will not help. */
export const EXIT_CONFIG = 78

/**
 * Runs a program's main function. Settings that are wrong are written to standard error, one a line, with exit
 * code 78; any other error that comes out of it with exit code 1; one of the database, and an address that cannot
 * be listened on, in a line.
 */
export async function main(run: () => Promise<unknown>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (error instanceof ConfigError) {
      for (const message of error.errors) process.stderr.write(`configuration: ${message}\n`)
      process.exit(EXIT_CONFIG)
    }
    process.stderr.write(`${failureText(error)}\n`)
    process.exit(1)
  }
}

const UNDEFINED_TABLE = '42P01'

function failureText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof ListenError) return error.message
  const reason = error instanceof ProblemError ? error.cause : error
  if (databaseErrorOf(reason)?.code === UNDEFINED_TABLE)
    return 'the database of DATABASE_URL has not been migrated, or is that of another service: `portcullis migrate`'
  if (!(reason instanceof Error) || databaseFailure(reason) === undefined) return error.stack ?? error.message
  const first: unknown = reason instanceof AggregateError ? reason.errors[0] : reason
  return `the database of DATABASE_URL cannot be used: ${first instanceof Error ? first.message : String(first)}`
}
