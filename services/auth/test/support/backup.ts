import pg from 'pg'
import type { TestAuth } from './auth.ts'

const TABLES = ['users', 'sessions', 'clients', 'signing_keys', 'revocations', 'revocation_head'] as const

/**
 * Takes a backup of the database inside of it. What it gives goes back to that state, as a failover that lost
 * commits does, and then runs `more` in the same transaction.
 */
export async function backUp(auth: Pick<TestAuth, 'databaseUrl'>): Promise<(more?: string) => Promise<void>> {
  const name = `backup_${Math.random().toString(36).slice(2)}`
  const copies = TABLES.map((table) => `create table ${name}.${table} as table ${table}`)
  await run(auth, [`create schema ${name}`, ...copies])
  return (more) =>
    run(auth, [
      'set constraints all deferred',
      ...TABLES.toReversed().map((table) => `delete from ${table}`),
      ...TABLES.map((table) => `insert into ${table} table ${name}.${table}`),
      ...(more === undefined ? [] : [more]),
    ])
}

/** Makes the log look as if it had been begun on another server than this one. */
export const ON_ANOTHER_TIMELINE = 'update revocation_head set timeline = timeline + 7'

async function run(
  { databaseUrl }: Pick<TestAuth, 'databaseUrl'>,
  statements: readonly string[],
): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query(['begin', ...statements, 'commit'].join(';'))
  } finally {
    await client.end()
  }
}
