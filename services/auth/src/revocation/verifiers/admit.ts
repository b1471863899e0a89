import { sql, type Kysely } from 'kysely'
import type { DB } from '../../database/tables.ts'

/** Client id under which instances of auth themselves stand in the table of verifiers; nobody can register it. */
export const AUTH_CLIENT_ID = 'auth'

/**
 * How many verifiers a client may have in the table: far more than a resource server has processes. Whoever could
 * enter any number of names that apply nothing would hold up every revocation with them.
 */
export const MAX_VERIFIERS_OF_CLIENT = 200

/** Whether a client may read the log. */
export const isReader = sql<boolean>`(clients.status = 'active' and 'revocations:read' = any(clients.scopes))`

/**
 * Whether a row's client may. One that may no more cannot prolong what it holds up: its rows stay as they are, for as
 * long as the last mark that was echoed may let their verifiers serve.
 */
export const isOfReader = sql<boolean>`(verifiers.client_id = ${AUTH_CLIENT_ID} or exists (
  select from clients where clients.client_id = verifiers.client_id and ${isReader}))`

interface Candidate {
  readonly name: string
  readonly clientId: string
}

export interface Admission<T> {
  readonly admitted: readonly T[]
  /** Clients that have as many verifiers as they may, and wanted more. */
  readonly full: ReadonlySet<string>
}

/** Those who may enter the table: of clients that may read the log, who is there already and who still has room. */
export async function admit<T extends Candidate>(
  db: Kysely<DB>,
  entries: readonly T[],
): Promise<Admission<T>> {
  const present = await listNamesByReader(
    db,
    entries.map(({ clientId }) => clientId),
  )
  const full = new Set<string>()
  const admitted = entries.filter(({ name, clientId }) => {
    if (clientId === AUTH_CLIENT_ID) return true
    const names = present.get(clientId)
    if (!names) return false
    const isAdmitted = names.has(name) || names.size < MAX_VERIFIERS_OF_CLIENT
    if (isAdmitted) names.add(name)
    else full.add(clientId)
    return isAdmitted
  })
  return { admitted, full }
}

/** Names in the table, by those of these clients that may read the log. */
async function listNamesByReader(
  db: Kysely<DB>,
  clientIds: readonly string[],
): Promise<Map<string, Set<string>>> {
  const asked = [...new Set(clientIds)].filter((clientId) => clientId !== AUTH_CLIENT_ID)
  if (asked.length === 0) return new Map()
  const rows = await db
    .selectFrom('clients')
    .leftJoin('verifiers', 'verifiers.client_id', 'clients.client_id')
    .select(['clients.client_id', 'verifiers.name'])
    .where('clients.client_id', 'in', asked)
    .where(isReader)
    .execute()
  const byClient = Map.groupBy(rows, (row) => row.client_id)
  return new Map(
    Array.from(byClient, ([clientId, found]) => [
      clientId,
      new Set(found.flatMap(({ name }) => (name === null ? [] : [name]))),
    ]),
  )
}
