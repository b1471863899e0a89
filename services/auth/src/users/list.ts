import { sql, type Kysely } from 'kysely'
import type { DB } from '../database/tables.ts'
import type { PageOfIds } from '@portcullis/service-kit'
import { shownUserColumns, type ShownUser } from './queries.ts'

/** Which users are meant; every one without. */
export interface UserFilter {
  /** How the username begins, in any case. */
  readonly prefix?: string | undefined
  readonly role?: string | undefined
  readonly status?: ShownUser['status'] | undefined
}

/** Users, newest first, those with ids below `before`. */
export function listUsers(
  db: Kysely<DB>,
  { prefix, role, status }: UserFilter,
  { before, limit }: PageOfIds,
): Promise<ShownUser[]> {
  let query = db.selectFrom('users').select(shownUserColumns).orderBy('id', 'desc').limit(limit)
  if (prefix !== undefined)
    query = query.where(
      (e) => e.fn<string>('lower', ['username']),
      'like',
      `${prefix.toLowerCase().replaceAll(/[\\_%]/g, '\\$&')}%`,
    )
  if (role !== undefined) query = query.where(sql<boolean>`roles @> array[${role}]::text[]`)
  if (status !== undefined) query = query.where('status', '=', status)
  if (before !== undefined) query = query.where('id', '<', before)
  return query.execute()
}
