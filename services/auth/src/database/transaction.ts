import { Kysely, PostgresDialect } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import type { Position, RevocationEvent } from '@portcullis/schemas'
import { createPreparer } from '@portcullis/service-kit'
import {
  readAppended,
  revokeStatements,
  toEvent,
  type Revocation,
  type VerifierRow,
} from '../revocation/append-on-commit.ts'
import { CHANNELS } from './channels.ts'
import { commitFailure, failureOf } from './failure.ts'
import type { DB } from './tables.ts'

/** What a transaction leaves behind: its answer, and what others have to learn of it. */
export interface Outcome<T> {
  readonly value: T
  /** Appended to the revocation log in the same commit. */
  readonly revoke?: Revocation | undefined
  /** Appended to the log of user changes in the same commit. */
  readonly change?:
    { readonly userId: string; readonly username: string; readonly deleted: boolean } | undefined
  /** Id of a user whose row was changed, where that follows neither from `change` nor from `revoke`. */
  readonly touched?: string | undefined
}

/** Where a revocation stands in the log, and who has to have applied it before it can be called done. */
export interface Receipt {
  readonly position: Position
  readonly verifiers: readonly VerifierRow[]
}

/**
 * Runs `work` in one transaction. Revocations are appended last of all and in one round trip with COMMIT, since
 * every other revocation waits for the row that gives them their order. Refusals are outcomes too: an error
 * thrown in `work` undoes everything, so it is for what must not happen.
 *
 * @throws {ProblemError} OUTCOME_UNKNOWN if the connection broke during the commit, UNAVAILABLE if the database has
 * just been promoted or restored
 */
export type Transact = <T>(
  work: (trx: Kysely<DB>) => Promise<Outcome<T>>,
) => Promise<{ value: T; receipt: Receipt | undefined }>

/** What an instance does with the revocations that it commits. */
export interface RevokeOptions {
  /** Whose commits these are, for the instance that hears of them. */
  readonly sender?: string
  /** Called at once after the commit of revocations, in the order of the log. */
  readonly onRevoked?: (events: readonly RevocationEvent[]) => void
}

export interface TransactOptions extends RevokeOptions {
  /** Awaited before the caller goes on, also if it is not known whether the commit took effect. */
  readonly afterCommit?: (outcome: Outcome<unknown>) => Promise<void>
}

export function createTransact(pool: Pool, options: TransactOptions = {}): Transact {
  return async (work) => {
    // An array: TypeScript does not see assignments to a variable inside a callback.
    const decided: Outcome<unknown>[] = []
    try {
      return await onClient(pool, async (client) => {
        await client.query('begin')
        const outcome = await work(kyselyOver(client))
        decided.push(outcome)
        const receipt = await commit(client, outcome, options)
        return { value: outcome.value, receipt }
      })
    } finally {
      for (const outcome of decided) await options.afterCommit?.(outcome)
    }
  }
}

/** Lends a connection. What an error has left undone on it is rolled back; one that was lost is not used again. */
export async function onClient<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  const lost = (error: Error) => (broken = error)
  client.on('error', lost)
  try {
    return await work(client)
  } catch (error) {
    // What the server still does for a client that gave up waiting is ended with the connection.
    if (failureOf(error) === 'lost') lost(new Error('the connection was lost', { cause: error }))
    else await client.query('rollback').catch(lost)
    throw error
  } finally {
    client.off('error', lost)
    client.release(broken)
  }
}

async function commit<T>(
  client: PoolClient,
  outcome: Outcome<T>,
  { sender, onRevoked }: RevokeOptions,
): Promise<Receipt | undefined> {
  const text = [...appendStatements(client, outcome, sender), 'commit'].join('; ')
  const answer: unknown = await client.query(text).catch((error: unknown) => {
    throw commitFailure(error)
  })
  const results: unknown[] = Array.isArray(answer) ? answer : [answer]
  // PostgreSQL answers so, and with no error, if a statement had failed and nobody had said.
  if (Reflect.get(Object(results.at(-1)), 'command') !== 'COMMIT')
    throw new Error('the transaction was rolled back')
  if (!outcome.revoke) return undefined
  const { rows, verifiers } = readAppended(results.slice(-3, -1))
  const event = toEvent(outcome.revoke, rows[0])
  onRevoked?.([event])
  return { position: { epoch: event.epoch, seq: event.seq }, verifiers }
}

/** The last of them leave the event, and then the verifiers. */
function appendStatements<T>(
  client: PoolClient,
  { change, revoke }: Outcome<T>,
  sender: string | undefined,
): string[] {
  const text = (value: string) => client.escapeLiteral(value)
  const statements: string[] = []
  if (change)
    statements.push(
      `notify ${CHANNELS.userChanges}`,
      `select append_user_change(${text(change.userId)}, ${text(change.username)}, ${change.deleted})`,
    )
  if (revoke)
    statements.push(
      ...revokeStatements(
        client,
        sender,
        `append_revocation(${text(revoke.kind)}, ${text(revoke.key)}, ${revoke.value ?? 0})`,
      ),
    )
  return statements
}

const overClients = new WeakMap<PoolClient, Kysely<DB>>()
const prepare = createPreparer()

/** Kysely on one client of the pool, so that its queries belong to the client's transaction. */
function kyselyOver(client: PoolClient): Kysely<DB> {
  const known = overClients.get(client)
  if (known) return known
  const preparing = prepare(client)
  const lent = { query: preparing.query.bind(preparing), release: () => undefined }
  const made = new Kysely<DB>({
    dialect: new PostgresDialect({
      pool: { connect: () => Promise.resolve(lent), end: () => Promise.resolve(), options: {} },
    }),
  })
  overClients.set(client, made)
  return made
}
