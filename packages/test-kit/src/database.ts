import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Teardown } from './teardown.ts'

const TEMPLATES = { auth: 'TEST_TEMPLATE_AUTH', content: 'TEST_TEMPLATE_CONTENT' } as const

/**
 * Makes a migrated, empty database for one test file, and ends its connections at teardown. It goes with the server,
 * which lives as long as the test run: to drop it at once would cost more than to make it, since a file system avoids
 * for a while what was just deleted.
 *
 * @returns its URL, with the user of `TEST_POSTGRES_URL`.
 * @throws Error if the variables that the test run sets are missing.
 */
export async function createDatabase(t: Teardown, service: 'auth' | 'content'): Promise<string> {
  const server = variable('TEST_POSTGRES_URL')
  const template = variable(TEMPLATES[service])
  const name = `test_${service}_${randomBytes(6).toString('hex')}`
  await execute(
    server,
    `CREATE DATABASE ${name} TEMPLATE ${pg.escapeIdentifier(template)} STRATEGY FILE_COPY`,
  )
  t.teardown(() =>
    execute(server, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`),
  )
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

function variable(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: run the tests with \`npm test\`, which starts PostgreSQL`)
  return value
}
