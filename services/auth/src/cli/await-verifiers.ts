import { connectRedis, untilRedisReady } from '@portcullis/service-kit'
import { formatPosition } from '@portcullis/schemas'
import type { Receipt } from '../database/transaction.ts'
import { readProgress, readStoredProgress } from '../revocation/verifiers/acks.ts'
import { Barrier } from '../revocation/barrier.ts'
import type { Context } from './context.ts'
import type { Stores } from './stores.ts'

/** How often an answer of the barrier is waited for, each for a second. */
const ATTEMPTS = 10
/** Done, but a verifier has not said in time that it has applied it. */
const EXIT_PENDING = 2

/** How far a revocation has come; undefined where nobody can be asked. */
export interface Settled {
  readonly revocation_position?: string
  readonly revocation_pending?: number
}

/**
 * Waits until every verifier has applied a revocation; the exit code is 2 if one does not say so. SIGINT and SIGTERM end
 * the wait and not the program. Without Redis nobody can be asked, and nobody is waited for.
 *
 * @param receipt undefined if nothing had to be revoked
 */
export async function awaitVerifiers(
  context: Context,
  { db }: Pick<Stores, 'db'>,
  { REVOCATION_REDIS_URL: url }: { readonly REVOCATION_REDIS_URL?: string },
  receipt: Receipt | undefined,
): Promise<Settled> {
  if (!receipt) return {}
  const { out } = context
  const interrupted = context.holdSignals()
  const revocation_position = formatPosition(receipt.position)
  if (url === undefined) {
    out.note('verifiers: not asked, for want of REVOCATION_REDIS_URL')
    return { revocation_position }
  }
  const redis = connectRedis(url, { name: 'portcullis' })
  try {
    await untilRedisReady(redis)
    const barrier = new Barrier({
      readProgress: (verifiers) => readProgress(redis, verifiers),
      neededInRedis: (position) => position,
      neededInDatabase: (position) => position,
      readStoredProgress: (names) => readStoredProgress(db, names, receipt.position.epoch),
    })
    let pending = receipt.verifiers.length
    for (let i = 0; i < ATTEMPTS && pending > 0 && !interrupted.aborted; i++)
      pending = await barrier.wait(receipt, interrupted)
    if (pending > 0) out.exitCode = EXIT_PENDING
    if (pending > 0 && interrupted.aborted) out.note('verifiers: the wait was interrupted')
    return { revocation_position, revocation_pending: pending }
  } finally {
    redis.disconnect()
  }
}
