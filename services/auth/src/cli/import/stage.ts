import { sql, type Kysely } from 'kysely'
import type { DB } from '../../database/tables.ts'
import { CHANNELS } from '../../database/channels.ts'
import type { ImportedUser, LineError } from './row.ts'

export interface StagedUser extends ImportedUser {
  readonly line: number
}

/** A table of this transaction alone: nothing of what is wrong with a file is seen by anybody else. */
export async function createStage(trx: Kysely<DB>): Promise<void> {
  await sql`
    create temporary table imported (
      line bigint primary key, id uuid not null default uuidv7(), username text, email text, full_name text,
      password_hash text, roles text[], status text, created_at timestamptz
    ) on commit drop`.execute(trx)
}

export async function stageUsers(trx: Kysely<DB>, users: readonly StagedUser[]): Promise<void> {
  // In milliseconds, as it will be answered: PostgreSQL would round what is finer, and refuse some offsets.
  const rows = users.map((user) => ({
    ...user,
    ...(user.created_at !== undefined && { created_at: new Date(user.created_at).toISOString() }),
  }))
  await sql`
    insert into imported (line, username, email, full_name, password_hash, roles, status, created_at)
    select line, username, email, full_name, password_hash, coalesce(roles, '{user}'), coalesce(status, 'active'),
      coalesce(created_at, now())
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (
      line bigint, username text, email text, full_name text, password_hash text, roles text[], status text,
      created_at timestamptz)`.execute(trx)
}

/** Takes those out whose username somebody has already. @returns how many there were */
export async function unstageKnown(trx: Kysely<DB>): Promise<number> {
  await analyzeStage(trx)
  const { numAffectedRows = 0n } = await sql`
    delete from imported i using users u where lower(u.username) = lower(i.username)`.execute(trx)
  return Number(numAffectedRows)
}

/** What is wrong with users that are good each for itself: names given twice, or taken, and roles that there are not. */
export async function findConflicts(trx: Kysely<DB>, limit: number): Promise<LineError[]> {
  await analyzeStage(trx)
  // Roles that are there stay until the commit.
  await sql`
    select name from roles where name in (select unnest(roles) from imported) order by name for key share`.execute(
    trx,
  )
  const { rows } = await sql<{ line: number; field: string; detail: string }>`
    select line, field, detail from (
      select line, 'username' as field, 'is the same as in line ' || first as detail
      from (select line, min(line) over (partition by lower(username)) as first from imported) n where line > first
      union all
      select line, 'email', 'is the same as in line ' || first
      from (select line, min(line) over (partition by lower(email)) as first from imported where email is not null) n
      where line > first
      union all
      select line, 'username', 'is taken' from imported i join users u on lower(u.username) = lower(i.username)
      union all
      select line, 'email', 'is taken' from imported i join users u on lower(u.email) = lower(i.email)
      union all
      select line, 'roles', 'there is no role ' || role from imported, unnest(roles) as role
      where not exists (select from roles where name = role)
    ) found order by line, field limit ${limit}`.execute(trx)
  return rows
}

/** Statistics, without which the joins would take the table for a small one. */
async function analyzeStage(trx: Kysely<DB>): Promise<void> {
  await sql`analyze imported`.execute(trx)
}

/**
 * Makes users of all that is staged, and tells other services of them. To be called last in a transaction: changes
 * of other users wait from the last statement to the commit.
 *
 * @returns how many they are
 * @throws a unique violation if somebody took a name meanwhile
 */
export async function insertStaged(trx: Kysely<DB>): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    insert into users (id, username, email, full_name, password_hash, roles, status, created_at)
    select id, username, email, full_name, password_hash, array(select distinct unnest(roles) order by 1), status,
      created_at
    from imported order by line`.execute(trx)
  await sql`notify ${sql.raw(CHANNELS.userChanges)}`.execute(trx)
  await sql`
    with head as (
      update user_changes_head set seq = seq + ${Number(numAffectedRows)} returning seq - ${Number(numAffectedRows)} as before
    )
    insert into user_changes (seq, user_id, username, deleted)
    select head.before + row_number() over (order by line), id, username, false from imported, head`.execute(
    trx,
  )
  return Number(numAffectedRows)
}
