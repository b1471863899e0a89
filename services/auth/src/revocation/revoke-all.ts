import { sql, type Kysely } from 'kysely'
import { CHANNELS } from '../database/channels.ts'
import type { Receipt, Transact } from '../database/transaction.ts'
import type { DB } from '../database/tables.ts'
import { giveUpAllSigningKeys, giveUpRefreshKeys, withSpares, type KeyMaker } from '../keys/rotate.ts'
import { raiseEpoch } from './epoch.ts'
import { listVerifiers } from './verifiers/queries.ts'

/**
 * Makes every token void that there is, also those that nobody knows of: all sessions end, all keys are given up,
 * and a new epoch begins. For after a theft, or after a backup was restored.
 *
 * @param stores whose connections have no timeouts: however many sessions there are, this is not to fail
 * @returns how many sessions were alive, and what to wait for
 */
export async function revokeAll(
  stores: { readonly db: Kysely<DB>; readonly transact: Transact },
  keys: KeyMaker,
): Promise<{ sessions: number; receipt: Receipt }> {
  const maker = await withSpares(keys)
  const { value } = await stores.transact(async (trx) => {
    const signing = await giveUpAllSigningKeys(trx, maker)
    const refresh = await giveUpRefreshKeys(trx, maker)
    const { numUpdatedRows } = await trx
      .updateTable('sessions')
      .set({ ended_at: sql<Date>`now()`, end_reason: 'revoke_all' })
      .where('ended_at', 'is', null)
      .executeTakeFirst()
    // Refresh keys too: no verifier knows them, but whoever finds that the database has lost this commit.
    const position = await raiseEpoch(trx, { epoch: 0, seq: 0 }, [...signing, ...refresh])
    await sql`notify ${sql.raw(CHANNELS.revocations)}`.execute(trx)
    return { value: { sessions: Number(numUpdatedRows), position } }
  })
  // Who joins after the commit has heard of the epoch before it serves.
  const verifiers = await listVerifiers(stores.db)
  return { sessions: value.sessions, receipt: { position: value.position, verifiers } }
}
