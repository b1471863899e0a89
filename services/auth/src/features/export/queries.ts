import type { Kysely } from 'kysely'
import type { DB } from '../../database/tables.ts'
import type { PageOfIds } from '@portcullis/service-kit'

const exported = [
  'id',
  'created_at',
  'last_used_at',
  'expires_at',
  'ip',
  'user_agent',
  'ends_at',
  'ended_at',
  'end_reason',
] as const

/** Every session of the user that is kept, also those that have ended, newest first. */
export function listAllSessionsOfUser(db: Kysely<DB>, userId: string, page: PageOfIds) {
  let query = db
    .selectFrom('sessions')
    .select(exported)
    .where('user_id', '=', userId)
    .orderBy('id', 'desc')
    .limit(page.limit)
  if (page.before !== undefined) query = query.where('id', '<', page.before)
  return query.execute()
}
