import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { DatabaseRefusal } from './database-refusal.ts'
import { LOCALE_ADVICE, localeFault } from './locale.ts'

export interface MigrateOptions {
  readonly databaseUrl: string
  /** Folder of `NNNN-name.sql` files, applied in the order of their numbers. */
  readonly folder: string
  readonly log?: (message: string) => void
  /** How long a migration waits for a lock on a table before it gives way and tries again, in ms. */
  readonly lockTimeoutMs?: number
}

const ATTEMPTS = 5
/** Several starters wait for each other under this number; PostgreSQL keeps the locks of each database apart. */
const LOCK = 7_170_001

/**
 * Brings the database forward to the newest migration, all pending ones in one transaction. Starters that come
 * at the same time wait for each other, and only the first has work to do. A migration that cannot get its lock
 * on a table in time is rolled back and tried again, so that requests do not queue behind it.
 *
 * @returns names of the migrations that were applied.
 * @throws {DatabaseRefusal} if the database cannot be used, or holds the migrations of another service
 * @throws if a migration fails or the files and the database disagree about their order.
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const { databaseUrl, folder, log = () => undefined, lockTimeoutMs = 3000 } = options
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  // Of no use to a service, and large.
  const { runner } = await import('node-pg-migrate')
  await client.connect()
  try {
    await refuseLocale(client)
    // Taken here and not by the runner, because lock_timeout must not end the wait for other starters.
    await client.query('select pg_advisory_lock($1)', [LOCK])
    await refuseOthersMigrations(client, folder)
    await client.query("select set_config('lock_timeout', $1, false)", [`${lockTimeoutMs}ms`])
    for (let attempt = 1; ; attempt += 1) {
      try {
        const applied = await runner({
          dbClient: client,
          dir: folder,
          direction: 'up',
          migrationsTable: 'migrations',
          checkOrder: true,
          singleTransaction: true,
          noLock: true,
          log: () => undefined,
        })
        for (const { name } of applied) log(`applied ${name}`)
        return applied.map(({ name }) => name)
      } catch (error) {
        if (attempt === ATTEMPTS || !isLockTimeout(error)) throw error
        log('a table is locked by somebody else; trying again')
        await sleep(200 * attempt)
      }
    }
  } finally {
    await client.end()
  }
}

async function refuseLocale(client: pg.Client): Promise<void> {
  const fault = await localeFault(client)
  if (fault !== undefined) throw new DatabaseRefusal(`${fault}: ${LOCALE_ADVICE}`)
}

/** What another service has made; those of a newer version of this one come after some that are known here. */
async function refuseOthersMigrations(client: pg.Client, folder: string): Promise<void> {
  const { rows } = await client.query<{ database: string; made: boolean }>(
    "select current_database() as database, to_regclass('public.migrations') is not null as made",
  )
  if (rows[0]?.made !== true) return
  const { rows: applied } = await client.query<{ name: string }>('select name from public.migrations')
  const files = new Set(readdirSync(folder))
  if (applied.length > 0 && applied.every(({ name }) => !files.has(`${name}.sql`)))
    throw new DatabaseRefusal(
      `the database ${rows[0].database} holds the migrations of another service: each needs a database of its own`,
    )
}

function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03'
}
