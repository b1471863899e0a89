import pg from 'pg'
import { DatabaseRefusal } from './database-refusal.ts'
import { databaseErrorOf } from './errors.ts'
import { DATABASE_LOCALE } from './locale.ts'

export interface ProvisionOptions {
  /** A role that may create roles and databases. */
  readonly adminUrl: string
  /** Names the role, its password and the database that are to be. */
  readonly databaseUrl: string
}

/** Those who provision at the same time wait for each other under this number, in the database of `adminUrl`. */
const LOCK = 7_170_002
const INSUFFICIENT_PRIVILEGE = '42501'

/**
 * Sees to it that a service's login role and database are there: the role has the password and owns the database
 * and may do nothing else, and no other role can connect to it. What is there already is kept; the password is set
 * to the one that is named.
 *
 * @returns whether the database was made just now.
 * @throws {DatabaseRefusal} if the role of `adminUrl` may not do that
 */
export async function provisionDatabase({ adminUrl, databaseUrl }: ProvisionOptions): Promise<boolean> {
  const url = new URL(databaseUrl)
  const [role, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
  const database = decodeURIComponent(url.pathname.slice(1))
  if (role === '' || password === '' || database === '')
    throw new Error('the database URL names no role, password or database')

  const admin = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 5000 })
  admin.on('error', () => undefined)
  await admin.connect()
  try {
    await admin.query('select pg_advisory_lock($1)', [LOCK])
    await ensureRole(admin, role, password)
    return await ensureDatabase(admin, role, database)
  } catch (error) {
    if (databaseErrorOf(error)?.code !== INSUFFICIENT_PRIVILEGE || !(error instanceof Error)) throw error
    throw new DatabaseRefusal(
      `the role of POSTGRES_ADMIN_URL may not make the role ${role} and its database: ${error.message}`,
      { cause: error },
    )
  } finally {
    await admin.end()
  }
}

async function ensureRole(admin: pg.Client, role: string, password: string): Promise<void> {
  const { rowCount } = await admin.query('select from pg_roles where rolname = $1', [role])
  const name = pg.escapeIdentifier(role)
  const rights = `login nosuperuser nocreatedb nocreaterole noreplication password ${pg.escapeLiteral(password)}`
  if (rowCount !== 0) {
    await admin.query(`alter role ${name} password ${pg.escapeLiteral(password)}`)
    return
  }
  await admin.query(`create role ${name} ${rights}`)
  // Whoever is no superuser must be a member of the role to give it a database.
  await admin.query(`grant ${name} to current_user`).catch(() => undefined)
}

async function ensureDatabase(admin: pg.Client, role: string, database: string): Promise<boolean> {
  const { rowCount } = await admin.query('select from pg_database where datname = $1', [database])
  const name = pg.escapeIdentifier(database)
  const isNew = rowCount === 0
  if (isNew)
    await admin.query(`create database ${name} owner ${pg.escapeIdentifier(role)} ${DATABASE_LOCALE}`)
  await admin.query(`revoke connect, temporary on database ${name} from public`)
  return isNew
}
