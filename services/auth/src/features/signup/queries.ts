import { sql, type Kysely } from 'kysely'
import type { DB } from '../../database/tables.ts'

/** Whether somebody has the username or the email, in any case. */
export async function findTaken(
  db: Kysely<DB>,
  username: string,
  email: string | undefined,
): Promise<{ username: boolean; email: boolean }> {
  const { rows } = await sql<{ username: boolean; email: boolean }>`
    select exists (select from users where lower(username) = ${username.toLowerCase()}::text) as username,
      exists (select from users where lower(email) = ${email?.toLowerCase() ?? null}::text) as email`.execute(
    db,
  )
  return rows[0] ?? { username: false, email: false }
}
