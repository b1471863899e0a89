import pRetry from 'p-retry'
import type { Log } from '@portcullis/service-kit'
import { failureOf } from './failure.ts'

/** A new instance waits so long for a database that is slow or just being restarted, in milliseconds. */
const PATIENCE_MS = 10_000

/**
 * For the start of the service, while nobody waits for an answer: what fails because of the database is tried again.
 * The timeouts of requests are short, and a machine on which much starts at once may need longer.
 *
 * @throws what `work` throws, if it is not the database or goes on for longer than 10 s
 */
export async function patiently<T>(log: Pick<Log, 'warn'>, work: () => Promise<T>): Promise<T> {
  return pRetry(work, {
    retries: Infinity,
    minTimeout: 100,
    maxTimeout: 1000,
    maxRetryTime: PATIENCE_MS,
    shouldRetry: ({ error }) => {
      const isDatabaseFailure = failureOf(error) !== undefined
      if (isDatabaseFailure) log.warn({ err: error }, 'the start waits for the database')
      return isDatabaseFailure
    },
  })
}
