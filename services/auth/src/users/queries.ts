import { sql, type Insertable, type Kysely, type Selectable } from 'kysely'
import type { UpdateMeBody, User } from '@portcullis/schemas'
import type { DB, Users } from '../database/tables.ts'

/** What a user is shown of a user; the password hash never rides along. */
export const shownUserColumns = [
  'id',
  'username',
  'email',
  'full_name',
  'roles',
  'status',
  'created_at',
  'updated_at',
] as const

export type ShownUser = Pick<Selectable<Users>, (typeof shownUserColumns)[number]>

/** The user as it crosses the process border. */
export function toUser(row: ShownUser): User {
  return { ...row, created_at: row.created_at.toISOString(), updated_at: row.updated_at.toISOString() }
}

export function findUserById(db: Kysely<DB>, id: string): Promise<ShownUser | undefined> {
  return db.selectFrom('users').select(shownUserColumns).where('id', '=', id).executeTakeFirst()
}

/** The user of whom somebody speaks: by the id, or by the username or the email in any case. */
export function findUserByName(db: Kysely<DB>, name: string): Promise<ShownUser | undefined> {
  // A UUID is longer than any username.
  if (UUID.test(name)) return findUserById(db, name)
  return db
    .selectFrom('users')
    .select(shownUserColumns)
    .where((e) => e.fn('lower', [loginColumn(name)]), '=', name.toLowerCase())
    .executeTakeFirst()
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** What somebody logs in with; no username has an @. */
export function loginColumn(login: string): 'username' | 'email' {
  return login.includes('@') ? 'email' : 'username'
}

/** What a login is checked against. `login` is the username or the email, in any case. */
export function findCredentialsByLogin(db: Kysely<DB>, login: string) {
  return db
    .selectFrom('users')
    .select(['id', 'password_hash', 'status'])
    .where((e) => e.fn('lower', [loginColumn(login)]), '=', login.toLowerCase())
    .executeTakeFirst()
}

/** What the current password is checked against before it is changed. */
export function findCredentialsById(db: Kysely<DB>, id: string) {
  return db
    .selectFrom('users')
    .select(['id', 'password_hash', 'status', 'ver'])
    .where('id', '=', id)
    .executeTakeFirst()
}

/** Takes the user's lock as whoever issues tokens does, which comes before that of a session. */
export async function shareUser(db: Kysely<DB>, id: string): Promise<void> {
  await db.selectFrom('users').select('id').where('id', '=', id).forShare().execute()
}

/** The user before it is changed. */
export function lockUserToChange(db: Kysely<DB>, id: string) {
  return db
    .selectFrom('users')
    .select([...shownUserColumns, 'ver'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
}

export type NewUser = Pick<Insertable<Users>, 'username' | 'email' | 'password_hash' | 'roles'>

export function insertUser(db: Kysely<DB>, user: NewUser): Promise<ShownUser> {
  return db.insertInto('users').values(user).returning(shownUserColumns).executeTakeFirstOrThrow()
}

/** @throws a unique violation if somebody else has the username or the email */
export function updateUser(db: Kysely<DB>, id: string, changes: UpdateMeBody): Promise<ShownUser> {
  return db
    .updateTable('users')
    .set({ ...changes, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .returning(shownUserColumns)
    .executeTakeFirstOrThrow()
}

/** Deletes the user, and with it whatever is kept of it, remembered answers too. */
export async function deleteUser(db: Kysely<DB>, id: string): Promise<void> {
  await db.deleteFrom('idempotency_keys').where('owner', '=', id).execute()
  await db.deleteFrom('users').where('id', '=', id).execute()
}

/**
 * Another password: the version of new tokens goes up with it.
 *
 * @returns the new version, or undefined if the hash is no longer the one that was read
 */
export async function updatePassword(
  db: Kysely<DB>,
  id: string,
  from: string,
  to: string,
): Promise<number | undefined> {
  const row = await db
    .updateTable('users')
    .set({ password_hash: to, ver: sql<number>`ver + 1`, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where('password_hash', '=', from)
    .returning('ver')
    .executeTakeFirst()
  return row?.ver
}

/** Changes the hash only if it is still the one that was read: a password changed meanwhile stays. */
export async function updatePasswordHash(
  db: Kysely<DB>,
  id: string,
  from: string,
  to: string,
): Promise<void> {
  await db
    .updateTable('users')
    .set({ password_hash: to })
    .where('id', '=', id)
    .where('password_hash', '=', from)
    .execute()
}

/** The version of new tokens goes up: every token issued so far is dead. */
export async function raiseUserVersion(db: Kysely<DB>, id: string): Promise<number> {
  const { ver } = await db
    .updateTable('users')
    .set({ ver: sql<number>`ver + 1`, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .returning('ver')
    .executeTakeFirstOrThrow()
  return ver
}

/** Other roles, and with them another version: in one row, so that no token has the new version with old roles. */
export function updateUserRoles(db: Kysely<DB>, id: string, roles: string[]) {
  return db
    .updateTable('users')
    .set({ roles, ver: sql<number>`ver + 1`, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .returning([...shownUserColumns, 'ver'])
    .executeTakeFirstOrThrow()
}

export function updateUserStatus(
  db: Kysely<DB>,
  id: string,
  status: ShownUser['status'],
): Promise<ShownUser> {
  return db
    .updateTable('users')
    .set({ status, updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .returning(shownUserColumns)
    .executeTakeFirstOrThrow()
}
