import pg from 'pg'
import { migrations, type ServiceName } from './places.ts'
import { StopError } from './stop-error.ts'

export interface Databases {
  readonly auth: string
  readonly content: string
  /** Whether there were none of the two before. */
  readonly fresh: boolean
}

const SERVICES: readonly ServiceName[] = ['auth', 'content']

/**
 * Sees to it that each service has a login role and a database of its own, both named `portcullis_<service>`,
 * which no other role can connect to.
 *
 * @param adminUrl a role that may create roles and databases.
 * @returns the URL for each service, with its own role.
 */
export async function ensureDatabases(
  adminUrl: string,
  passwords: Record<ServiceName, string>,
): Promise<Databases> {
  const admin = await connect(adminUrl)
  try {
    const { rows } = await admin.query<{ name: string }>('select datname as name from pg_database')
    const existing = new Set(rows.map(({ name }) => name))
    for (const service of SERVICES) {
      const name = `portcullis_${service}`
      const url = serviceUrl(adminUrl, service, passwords[service])
      await ensureRole(admin, name, passwords[service], existing.has(name) ? url : undefined)
      if (existing.has(name)) continue
      await admin.query(`create database ${name} owner ${name}`)
      await admin.query(`revoke connect, temporary on database ${name} from public`)
    }
    return {
      auth: serviceUrl(adminUrl, 'auth', passwords.auth),
      content: serviceUrl(adminUrl, 'content', passwords.content),
      fresh: !SERVICES.some((service) => existing.has(`portcullis_${service}`)),
    }
  } finally {
    await admin.end()
  }
}

async function ensureRole(admin: pg.Client, name: string, password: string, url: string | undefined) {
  const { rowCount } = await admin.query('select from pg_roles where rolname = $1', [name])
  const secret = pg.escapeLiteral(password)
  if (rowCount === 0) {
    await admin.query(`create role ${name} login password ${secret}`)
    // Whoever is no superuser must be a member of the role to give it a database.
    await admin.query(`grant ${name} to current_user`).catch(() => undefined)
  } else if (url === undefined || !(await canLogIn(url))) {
    await admin.query(`alter role ${name} login password ${secret}`)
  }
}

async function canLogIn(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** The admin's URL, with its host and its parameters, for the service's own role and database. */
function serviceUrl(adminUrl: string, service: ServiceName, password: string): string {
  const url = new URL(adminUrl)
  url.username = `portcullis_${service}`
  url.password = password
  url.pathname = `/portcullis_${service}`
  return url.href
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (error) {
    const reason = error instanceof Error ? error.message || error.name : String(error)
    throw new StopError(`PostgreSQL at ${new URL(url).host} cannot be reached: ${reason}`)
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

/** Applies what is missing of a service's migrations, and gives their names. */
export async function migrateDatabase(service: ServiceName, databaseUrl: string): Promise<string[]> {
  const { migrate } = await import('@portcullis/service-kit')
  return migrate({ databaseUrl, ...migrations[service] })
}
