import { sql, type Kysely, type Selectable } from 'kysely'
import type { Role } from '@portcullis/schemas'
import type { Place } from '../database/place.ts'
import type { DB, Roles } from '../database/tables.ts'

const shown = ['name', 'description', 'built_in', 'created_at'] as const

/** The role as it crosses the process border. */
export function toRole(row: Selectable<Roles>): Role {
  return { ...row, created_at: row.created_at.toISOString() }
}

/** Roles, newest first. */
export function listRoles(
  db: Kysely<DB>,
  { before, limit }: { readonly before?: Place | undefined; readonly limit: number },
): Promise<Selectable<Roles>[]> {
  return db
    .selectFrom('roles')
    .select(shown)
    .$if(before !== undefined, (query) =>
      query.where(sql<boolean>`(created_at, name) < (${before?.createdAt}::timestamptz, ${before?.name})`),
    )
    .orderBy('created_at', 'desc')
    .orderBy('name', 'desc')
    .limit(limit)
    .execute()
}

/** Makes a role, unless there is one of this name. */
export function insertRole(
  db: Kysely<DB>,
  role: { readonly name: string; readonly description: string },
): Promise<Selectable<Roles> | undefined> {
  return db
    .insertInto('roles')
    .values(role)
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning(shown)
    .executeTakeFirst()
}

/** The role before it is deleted: whoever grants it meanwhile waits. */
export function lockRoleToDelete(db: Kysely<DB>, name: string): Promise<Selectable<Roles> | undefined> {
  return db.selectFrom('roles').select(shown).where('name', '=', name).forUpdate().executeTakeFirst()
}

/** Those of the roles that there are, and that stay until the transaction has ended. */
export async function lockRolesToGrant(db: Kysely<DB>, names: readonly string[]): Promise<Set<string>> {
  if (names.length === 0) return new Set()
  const rows = await db
    .selectFrom('roles')
    .select('name')
    .where('name', 'in', names)
    .orderBy('name')
    .forKeyShare()
    .execute()
  return new Set(rows.map((row) => row.name))
}

export async function isRoleHeld(db: Kysely<DB>, name: string): Promise<boolean> {
  const holder = await db
    .selectFrom('users')
    .select('id')
    .where(sql<boolean>`roles @> array[${name}]::text[]`)
    .limit(1)
    .executeTakeFirst()
  return holder !== undefined
}

export async function deleteRoleByName(db: Kysely<DB>, name: string): Promise<void> {
  await db.deleteFrom('roles').where('name', '=', name).execute()
}

export async function hasRole(db: Kysely<DB>, name: string): Promise<boolean> {
  const role = await db.selectFrom('roles').select('name').where('name', '=', name).executeTakeFirst()
  return role !== undefined
}
