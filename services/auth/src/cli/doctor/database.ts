import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import type { Pool } from 'pg'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { createPool, databaseErrorOf, LOCALE_ADVICE, localeFault } from '@portcullis/service-kit'
import { migrationsOf } from '../migrate.ts'
import { Findings, reasonOf, type Finding } from './finding.ts'

type ServiceName = 'auth' | 'content'

const LEAST_VERSION = 180_000
const UNDEFINED_TABLE = '42P01'

const isServer = Compile(
  Type.Object({
    version: Type.Integer(),
    name: Type.String(),
    standby: Type.Boolean(),
    superuser: Type.Boolean(),
  }),
)
const isNames = Compile(Type.Array(Type.Object({ name: Type.String() })))

/**
 * Looks at the database of a service.
 *
 * @param more is looked at in a database that is up to date
 */
export async function examineDatabase(
  service: ServiceName,
  url: string,
  more: (pool: Pool) => Promise<Finding[]>,
): Promise<Finding[]> {
  const found = new Findings(`database ${service}`)
  const pool = createPool({ url, name: 'portcullis doctor', poolSize: 2 })
  try {
    await examineServer(found, pool)
    const fault = await localeFault(pool)
    if (fault !== undefined) found.failed(fault, LOCALE_ADVICE)
    if (!(await examineMigrations(found, pool, service))) return found.all
    return [...found.all, ...(await more(pool))]
  } catch (error) {
    const setting = service === 'auth' ? 'DATABASE_URL' : 'CONTENT_DATABASE_URL'
    found.failed(
      `cannot be used: ${reasonOf(error)}`,
      `see whether PostgreSQL runs, and whether ${setting} has its address and the role's password; ` +
        'over TLS it has sslmode=verify-full, and in sslrootcert the file of who signed the certificate; ' +
        '`portcullis provision` makes role and database',
    )
    return found.all
  } finally {
    await pool.end()
  }
}

async function examineServer(found: Findings, pool: Pool): Promise<void> {
  const { rows } = await pool.query<object>(`
    select current_setting('server_version_num')::int as version, current_setting('server_version') as name,
      pg_is_in_recovery() as standby, (select rolsuper from pg_roles where rolname = current_user) as superuser`)
  const server: unknown = rows[0]
  if (!isServer.Check(server)) throw new Error('the server did not say what it is')
  if (server.version < LEAST_VERSION)
    found.failed(`PostgreSQL ${server.name} is too old`, 'PostgreSQL 18 or later is needed')
  else if (server.standby)
    found.failed('the server is a standby, where nothing can be written', 'name the primary')
  else found.ok(`PostgreSQL ${server.name}`)
  if (server.superuser)
    found.warning(
      'the role is a superuser, and reaches every other database',
      'use a role that owns this database alone; `portcullis provision` makes one',
    )
}

/** Whether the database is as this version needs it. */
async function examineMigrations(found: Findings, pool: Pool, service: ServiceName): Promise<boolean> {
  const files = readdirSync(migrationsOf(service)).filter((file) => file.endsWith('.sql'))
  const wanted = files.map((file) => basename(file, '.sql'))
  const applied = await appliedMigrations(pool)
  const missing = wanted.filter((name) => !applied.includes(name))
  const unknown = applied.filter((name) => !wanted.includes(name))
  if (missing.length > 0)
    found.failed(`${missing.length} migrations are missing: ${missing.join(', ')}`, '`portcullis migrate`')
  else found.ok(`${applied.length} migrations applied`)
  if (unknown.length > 0)
    found.warning(
      `migrations of another version are applied: ${unknown.join(', ')}`,
      'run the newest version that has been here, or one after it',
    )
  return missing.length === 0
}

async function appliedMigrations(pool: Pool): Promise<string[]> {
  try {
    const { rows } = await pool.query<object>('select name from migrations order by name')
    const names: unknown = rows
    return isNames.Check(names) ? names.map(({ name }) => name) : []
  } catch (error) {
    if (databaseErrorOf(error)?.code === UNDEFINED_TABLE) return []
    throw error
  }
}
