import type { Kysely } from 'kysely'
import type { RevocationKind } from '@portcullis/schemas'
import type { DB } from '../database/tables.ts'
import type { Receipt } from '../database/transaction.ts'
import { findNewestEvent } from './log.ts'
import { listVerifiers } from './verifiers/queries.ts'

/**
 * The receipt of the newest event about something, as far as the log still has it. A request that finds nothing
 * left to do waits for the same verifiers as the one that did it, so that its 200 says the same.
 */
export async function findReceipt(
  db: Kysely<DB>,
  kind: RevocationKind,
  key: string,
): Promise<Receipt | undefined> {
  const position = await findNewestEvent(db, kind, key)
  return position && { position, verifiers: await listVerifiers(db) }
}
