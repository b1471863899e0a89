import { Kysely, PostgresDialect } from 'kysely'
import { createPool } from '@portcullis/service-kit'
import type { DB } from '../database/tables.ts'
import { createTransact, type Transact } from '../database/transaction.ts'

export interface Stores {
  readonly db: Kysely<DB>
  readonly transact: Transact
}

/**
 * Runs `work` on auth's database and closes its connections afterwards.
 *
 * @param options.isPatient whether it may take long, as what changes very much at once does
 */
export async function withDatabase<T>(
  config: { readonly DATABASE_URL: string },
  work: (stores: Stores) => Promise<T>,
  { isPatient = false }: { readonly isPatient?: boolean } = {},
): Promise<T> {
  const pool = createPool({ url: config.DATABASE_URL, name: 'portcullis', poolSize: 2, isPatient })
  try {
    return await work({
      db: new Kysely({ dialect: new PostgresDialect({ pool }) }),
      transact: createTransact(pool),
    })
  } finally {
    await pool.end()
  }
}
