import { connectRedis, redisReady } from '@portcullis/service-kit'
import { formatPosition } from '@portcullis/schemas'
import type { Receipt } from '../database/transaction.ts'
import { readProgress, readStoredProgress } from '../revocation/acks.ts'
import { Barrier } from '../revocation/barrier.ts'
import type { Stores } from './database.ts'

/** How often an answer of the barrier is waited for, each for a second. */
const ATTEMPTS = 10

/**
 * Says where a revocation stands in the log, and waits until every verifier has applied it; the exit code is 2 if
 * one does not say so. Without Redis nobody can be asked, and nobody is waited for.
 */
export async function awaitVerifiers(
  { db }: Pick<Stores, 'db'>,
  { REVOCATION_REDIS_URL: url }: { readonly REVOCATION_REDIS_URL?: string },
  receipt: Receipt,
): Promise<void> {
  console.log(`revocation_position: ${formatPosition(receipt.position)}`)
  if (url === undefined) return console.log('verifiers: not asked, for want of REVOCATION_REDIS_URL')
  const redis = connectRedis(url, { name: 'portcullis' })
  try {
    await redisReady(redis)
    const barrier = new Barrier({
      readProgress: (verifiers) => readProgress(redis, verifiers),
      readStoredProgress: (names) => readStoredProgress(db, names),
    })
    let pending = receipt.verifiers.length
    for (let i = 0; i < ATTEMPTS && pending > 0; i++) pending = await barrier.wait(receipt)
    console.log(`revocation_pending: ${pending}`)
    if (pending > 0) process.exitCode = 2
  } finally {
    redis.disconnect()
  }
}
