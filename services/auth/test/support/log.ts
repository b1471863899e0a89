import type { Redis } from 'ioredis'
import { sql, type Kysely } from 'kysely'
import { formatPosition, type RevocationKind } from '@portcullis/schemas'
import type { App } from '@portcullis/service-kit'
import type { DB } from '../../src/database/tables.ts'
import { readStream } from '../../src/revocation/stream.ts'
import type {} from '../../src/plugins/stores.ts'
import { until } from './until.ts'

/** Commits an event and tells nobody, as an instance that is killed after its commit. */
export async function append(
  db: Kysely<DB>,
  key: string,
  kind: RevocationKind = 'session',
  value = 0,
): Promise<void> {
  await sql`select append_revocation(${kind}, ${key}, ${value})`.execute(db)
}

/** Waits until the stream holds the very events that PostgreSQL holds. @returns their ids */
export async function untilWhole({ app }: { readonly app: App }, redis: Redis): Promise<string[]> {
  let ids: string[] = []
  await until(async () => {
    const [carried, kept] = [await carriedEvents(redis), await keptEvents(app.db)]
    ids = kept.map(([id]) => id)
    return JSON.stringify(carried) === JSON.stringify(kept)
  }, 'the stream is whole')
  return ids
}

async function carriedEvents(redis: Redis): Promise<[string, string, number][]> {
  const events: [string, string, number][] = []
  try {
    for await (const page of readStream(redis))
      for (const event of page)
        events.push([formatPosition(event), `${event.kind} ${event.key}`, event.value])
  } catch {
    // Redis is away.
  }
  return events
}

async function keptEvents(db: Kysely<DB>): Promise<[string, string, number][]> {
  const rows = await db
    .selectFrom('revocations as r')
    .innerJoin('revocation_head as h', (join) =>
      join.onRef('r.epoch', '=', 'h.epoch').onRef('r.seq', '>', 'h.base'),
    )
    .select(['r.epoch', 'r.seq', 'r.kind', 'r.key', 'r.value'])
    .orderBy('r.seq')
    .execute()
  return rows.map((row) => [formatPosition(row), `${row.kind} ${row.key}`, row.value])
}
