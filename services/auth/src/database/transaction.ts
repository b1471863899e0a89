import { Kysely, PostgresDialect } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { PositionSchema, type Position, type RevocationKind } from '@portcullis/schemas'
import { databaseFailure, problem } from '@portcullis/service-kit'
import type { DB } from './tables.ts'

/** What a transaction leaves behind: its answer, and what others have to learn of it. */
export interface Outcome<T> {
  readonly value: T
  /** Appended to the revocation log in the same commit. */
  readonly revoke?:
    { readonly kind: RevocationKind; readonly key: string; readonly value?: number } | undefined
  /** Appended to the log of user changes in the same commit. */
  readonly change?:
    { readonly userId: string; readonly username: string; readonly deleted: boolean } | undefined
}

const VerifierRowSchema = Type.Object({ name: Type.String(), client_id: Type.String() })
export type VerifierRow = Static<typeof VerifierRowSchema>

/** Where a revocation stands in the log, and who has to have applied it before it can be called done. */
export interface Receipt {
  readonly position: Position
  readonly verifiers: readonly VerifierRow[]
}

/** Channel on which instances of auth tell each other of a commit to the log. */
export const REVOCATION_CHANNEL = 'revocations'

const isPosition = Compile(PositionSchema)
const isVerifierRows = Compile(Type.Array(VerifierRowSchema))

/**
 * Runs `work` in one transaction. Revocations are appended last of all and in one round trip with COMMIT, since
 * every other revocation waits for the row that gives them their order. Refusals are outcomes too: an error
 * thrown in `work` undoes everything, so it is for what must not happen.
 *
 * @throws {ProblemError} OUTCOME_UNKNOWN if the connection broke during the commit
 */
export type Transact = <T>(
  work: (trx: Kysely<DB>) => Promise<Outcome<T>>,
) => Promise<{ value: T; receipt: Receipt | undefined }>

export function createTransact(pool: Pool): Transact {
  return async (work) => {
    const client = await pool.connect()
    let broken: Error | undefined
    const lost = (error: Error) => (broken = error)
    client.on('error', lost)
    try {
      await client.query('begin')
      const outcome = await work(kyselyOver(client))
      return { value: outcome.value, receipt: await commit(client, outcome) }
    } catch (error) {
      await client.query('rollback').catch(lost)
      throw error
    } finally {
      client.off('error', lost)
      client.release(broken)
    }
  }
}

async function commit<T>(client: PoolClient, outcome: Outcome<T>): Promise<Receipt | undefined> {
  const statements: string[] = []
  const { change, revoke } = outcome
  if (change)
    statements.push(
      `select append_user_change(${[change.userId, change.username].map((text) => client.escapeLiteral(text)).join()}, ${change.deleted})`,
    )
  if (revoke)
    statements.push(
      `select epoch, seq from append_revocation(${client.escapeLiteral(revoke.kind)}, ${client.escapeLiteral(revoke.key)}, ${revoke.value ?? 0})`,
      // Read after the head row is locked: a verifier that joins later is told of this event before it serves.
      'select name, client_id from verifiers',
      `notify ${REVOCATION_CHANNEL}`,
    )
  const results: unknown = await client
    .query([...statements, 'commit'].join('; '))
    .catch((error: unknown) => {
      const isLost = databaseFailure(error) === 'lost'
      throw isLost ? problem('OUTCOME_UNKNOWN', { cause: error, headers: { 'retry-after': '1' } }) : error
    })
  if (!revoke || !Array.isArray(results)) return undefined
  const [positions, verifiers] = results.slice(change ? 1 : 0).map(rowsOf)
  const position: unknown = positions?.[0]
  if (!isPosition.Check(position) || !isVerifierRows.Check(verifiers))
    throw new Error('append_revocation answered in another shape')
  return { position, verifiers }
}

function rowsOf(result: unknown): unknown[] {
  const rows: unknown = Reflect.get(Object(result), 'rows')
  return Array.isArray(rows) ? rows : []
}

const overClients = new WeakMap<PoolClient, Kysely<DB>>()

/** Kysely on one client of the pool, so that its queries belong to the client's transaction. */
function kyselyOver(client: PoolClient): Kysely<DB> {
  const known = overClients.get(client)
  if (known) return known
  const lent = { query: client.query.bind(client), release: () => undefined }
  const made = new Kysely<DB>({
    dialect: new PostgresDialect({
      pool: { connect: () => Promise.resolve(lent), end: () => Promise.resolve(), options: {} },
    }),
  })
  overClients.set(client, made)
  return made
}
