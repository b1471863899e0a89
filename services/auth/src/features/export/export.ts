import type { Kysely } from 'kysely'
import type { ExportedSession, User } from '@portcullis/schemas'
import type { DB } from '../../database/tables.ts'
import { readAll } from '@portcullis/service-kit'
import { listLogins, toLoginAttempt } from '../../logins/queries.ts'
import { listAllSessionsOfUser } from './queries.ts'

/** All that is kept about a user as JSON text (UserExportSchema), piece by piece. */
export async function* exportUser(
  db: Kysely<DB>,
  user: User,
  now: Date,
): AsyncGenerator<string, void, undefined> {
  yield `{"exported_at":${JSON.stringify(now.toISOString())},"user":${JSON.stringify(user)},"sessions":`
  yield* jsonArray(
    readAll((page) => listAllSessionsOfUser(db, user.id, page)),
    toExportedSession,
  )
  yield ',"logins":'
  yield* jsonArray(
    readAll((page) => listLogins(db, user.id, page)),
    toLoginAttempt,
  )
  yield '}'
}

async function* jsonArray<T>(rows: AsyncIterable<T>, show: (row: T) => object): AsyncGenerator<string> {
  let separator = '['
  for await (const row of rows) {
    yield separator + JSON.stringify(show(row))
    separator = ','
  }
  yield separator === '[' ? '[]' : ']'
}

function toExportedSession(row: Awaited<ReturnType<typeof listAllSessionsOfUser>>[number]): ExportedSession {
  return {
    ...row,
    created_at: row.created_at.toISOString(),
    last_used_at: row.last_used_at.toISOString(),
    expires_at: row.expires_at.toISOString(),
    ends_at: row.ends_at.toISOString(),
    ended_at: row.ended_at?.toISOString() ?? null,
  }
}
