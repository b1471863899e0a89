import type { Kysely } from 'kysely'
import type { DB } from '../../database/tables.ts'
import type { PageOfIds } from '../../lists/page.ts'
import { shownUserColumns, type ShownUser } from '../../users/queries.ts'

/** Users whose name begins with `prefix`, newest first, those with ids below `before`. */
export function listUsers(
  db: Kysely<DB>,
  prefix: string | undefined,
  { before, limit }: PageOfIds,
): Promise<ShownUser[]> {
  let query = db.selectFrom('users').select(shownUserColumns).orderBy('id', 'desc').limit(limit)
  if (prefix !== undefined)
    query = query.where(
      (e) => e.fn<string>('lower', ['username']),
      'like',
      `${prefix.toLowerCase().replaceAll(/[\\_%]/g, '\\$&')}%`,
    )
  if (before !== undefined) query = query.where('id', '<', before)
  return query.execute()
}
