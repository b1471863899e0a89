import type { Pool } from 'pg'

/**
 * Opens every connection that the pool may have, before requests come: an instance that takes over from another is
 * given its full share of them at once. A database that is away is no reason not to start.
 */
export async function warmPool(pool: Pool): Promise<void> {
  const size = pool.options.max ?? 1
  const clients = await Promise.allSettled(Array.from({ length: size }, () => pool.connect()))
  for (const one of clients) if (one.status === 'fulfilled') one.value.release()
}
