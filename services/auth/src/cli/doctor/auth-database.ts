import { Kysely, PostgresDialect, sql } from 'kysely'
import type { Pool } from 'pg'
import type { Config } from '../../config.ts'
import type { DB } from '../../database/tables.ts'
import { AUTH_CLIENT_ID, isReader, MAX_VERIFIERS_OF_CLIENT } from '../../revocation/verifiers/admit.ts'
import { listVerifierLeases } from '../../revocation/verifiers/queries.ts'
import { hasActiveAdmin } from '../../users/admins.ts'
import { clockFinding } from './clock.ts'
import { Findings, type Finding } from './finding.ts'
import { examineKeys } from './keys.ts'

/** What can be seen in auth's database, whether or not a service runs. */
export async function examineAuthDatabase(pool: Pool, settings: Partial<Config>): Promise<Finding[]> {
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) })
  return [
    await clockFinding('clock of PostgreSQL', () => databaseTime(db)),
    ...(await examineHistory(db)),
    ...(await examineKeys(db, settings)),
    ...(await examineVerifiers(db)),
    ...(await examinePeople(db)),
  ]
}

async function databaseTime(db: Kysely<DB>): Promise<number> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db)
  return rows[0]?.now.getTime() ?? Number.NaN
}

async function examineHistory(db: Kysely<DB>): Promise<Finding[]> {
  const found = new Findings('revocation log')
  const { rows } = await sql<{ epoch: number; seq: number; same: boolean }>`
    select epoch, seq, h.system_id = c.system_id and h.timeline = c.timeline as same
    from revocation_head h, current_history() c`.execute(db)
  const [head] = rows
  if (!head) found.failed('the head of the log is missing', 'restore the database from a backup')
  else if (head.same) found.ok(`at ${head.epoch}-${head.seq}`)
  else
    found.warning(
      'the database was restored or promoted, and no instance of auth has noticed yet',
      'start auth: it begins a new epoch; after a restore, run `portcullis revoke-all` first',
    )
  return found.all
}

async function examineVerifiers(db: Kysely<DB>): Promise<Finding[]> {
  const found = new Findings('verifiers')
  const now = await databaseTime(db)
  const rows = await listVerifierLeases(db)
  const silent = rows.filter(({ seen_at, max_age }) => now - seen_at.getTime() > max_age * 1000)
  for (const { name, seen_at } of silent)
    found.warning(
      `${name} has been silent for ${Math.round((now - seen_at.getTime()) / 1000)} s: revocations wait for it`,
      silent.length === rows.length
        ? 'see whether auth runs, which keeps this table; otherwise see why it reaches neither Redis nor auth'
        : 'see why it reaches neither Redis nor auth; it accepts no tokens, and is forgotten by itself',
    )
  const byClient = [...Map.groupBy(rows, (row) => row.client_id)]
  const counts = byClient.map(([clientId, { length }]) => `${clientId} ${length}`).join(', ')
  if (silent.length === 0) found.ok(rows.length === 0 ? 'none runs' : `${rows.length} live: ${counts}`)
  for (const [clientId, { length }] of byClient)
    if (length >= MAX_VERIFIERS_OF_CLIENT && clientId !== AUTH_CLIENT_ID)
      found.warning(
        `${clientId} has ${length} verifiers: no further one can join`,
        `if they are not processes of it: \`portcullis clients disable ${clientId}\`, after which they are forgotten by themselves`,
      )
  const { count } = await db
    .selectFrom('clients')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where(isReader)
    .executeTakeFirstOrThrow()
  if (count === 0)
    found.warning(
      'no client may read the revocation log: content cannot start',
      '`portcullis clients create content --scope "revocations:read users:changes"`',
    )
  return found.all
}

async function examinePeople(db: Kysely<DB>): Promise<Finding[]> {
  const found = new Findings('admins')
  if (await hasActiveAdmin(db)) found.ok('there is an active admin')
  else found.warning('there is no active admin', '`portcullis create-admin`')
  return found.all
}
