import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import pg from 'pg'
import { localeFault } from '@portcullis/service-kit/database-locale'
import { migrations, type ServiceName } from './places.ts'
import { reasonOf, StopError } from './stop-error.ts'

/** The URL of a service's own database, with its own role and with the host and the parameters of the admin's. */
export function serviceUrl(adminUrl: string, service: ServiceName, password: string): string {
  const url = new URL(adminUrl)
  url.username = `portcullis_${service}`
  url.password = password
  url.pathname = `/portcullis_${service}`
  return url.href
}

/** Undefined if PostgreSQL lets us in and answers within a few seconds, else the reason why it does not. */
export async function pingPostgres(url: string): Promise<string | undefined> {
  let client: pg.Client | undefined
  try {
    client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000, query_timeout: 3000 })
    client.on('error', () => undefined)
    await client.connect()
    await client.query('select 1')
    return undefined
  } catch (error) {
    return reasonOf(error)
  } finally {
    await client?.end()
  }
}

/** Whether one of the services' databases is there. */
export async function hasDatabases(adminUrl: string): Promise<boolean> {
  const admin = await connect(adminUrl)
  try {
    const { rowCount } = await admin.query(`select from pg_database where datname like 'portcullis\\_%'`)
    return rowCount !== 0
  } finally {
    await admin.end()
  }
}

/** @throws StopError if the server cannot be reached. */
async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (error) {
    throw new StopError(`PostgreSQL at ${new URL(url).host} cannot be reached: ${reasonOf(error)}`)
  }
}

export interface Inventory {
  readonly hasAdmin: boolean
  readonly hasClient: boolean
}

/** What the first start has to make in auth's database; to be asked after its migrations. */
export async function takeInventory(authUrl: string, clientId: string): Promise<Inventory> {
  const client = await connect(authUrl)
  try {
    const { rows } = await client.query<{ admin: boolean; client: boolean }>(
      `select exists (select from users where 'admin' = any (roles)) as admin,
              exists (select from clients where client_id = $1) as client`,
      [clientId],
    )
    return { hasAdmin: rows[0]?.admin === true, hasClient: rows[0]?.client === true }
  } finally {
    await client.end()
  }
}

/** Writes what PostgreSQL holds in memory, so that it has little to write when it is stopped. */
export async function checkpoint(adminUrl: string): Promise<void> {
  const admin = await connect(adminUrl)
  try {
    await admin.query('checkpoint')
  } finally {
    await admin.end()
  }
}

/** Whether a service can log in to its database, can use it, and finds every migration applied there. */
export async function isCurrent(service: ServiceName, databaseUrl: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ name: string }>('select name from migrations')
    const applied = new Set(rows.map(({ name }) => name))
    const files = readdirSync(migrations[service]).filter((file) => file.endsWith('.sql'))
    if (!files.every((file) => applied.has(basename(file, '.sql')))) return false
    return (await localeFault(client)) === undefined
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

/**
 * Sees to it that a service's role and database are there and up to date; gives the migrations applied.
 *
 * @throws StopError if the database or the administrator's role cannot be used
 */
export async function makeDatabase(
  service: ServiceName,
  adminUrl: string,
  databaseUrl: string,
): Promise<string[]> {
  const { DatabaseRefusal, provisionDatabase } = await import('@portcullis/service-kit')
  try {
    await provisionDatabase({ adminUrl, databaseUrl })
    return await migrateDatabase(service, databaseUrl)
  } catch (error) {
    throw error instanceof DatabaseRefusal ? new StopError(error.message) : error
  }
}

/** Applies what is missing of a service's migrations, and gives their names. */
export async function migrateDatabase(service: ServiceName, databaseUrl: string): Promise<string[]> {
  const { migrate } = await import('@portcullis/service-kit')
  return migrate({ databaseUrl, folder: migrations[service] })
}
