import type { Pool, PoolClient } from 'pg'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { databaseFailure, Gatherer, ProblemError } from '@portcullis/service-kit'
import { commitFailure } from '../database/failure.ts'
import { onClient, type Receipt, type RevokeOptions } from '../database/transaction.ts'
import { readAppended, revokeStatements, toEvent } from '../revocation/append-on-commit.ts'

export interface SessionEnd {
  readonly id: string
  readonly user_id: string
  /** Kept with the session. */
  readonly reason: string
  readonly ended_at: Date
}

/**
 * Ends a session, in one commit and one round trip with all others that are to end at the same time. Nobody waits for
 * a row that somebody else holds, so that none can hold up the others.
 *
 * @returns undefined if nothing was done: there is no such session, it has ended before, or it or its user is being
 * changed just now. A transaction of its own tells which.
 * @throws {ProblemError} OUTCOME_UNKNOWN, UNAVAILABLE, as a transaction
 */
export type EndSession = (end: SessionEnd) => Promise<Receipt | undefined>

export function createEndSession(pool: Pool, options: RevokeOptions = {}): EndSession {
  const gatherer = new Gatherer<SessionEnd, Receipt | undefined>({
    run: (ends) => onClient(pool, (client) => endSessions(client, ends, options)),
    isEveryones: (error) => error instanceof ProblemError || databaseFailure(error) === 'unavailable',
  })
  return (end) => gatherer.do(end)
}

const hasKey = Compile(Type.Object({ key: Type.String() }))

async function endSessions(
  client: PoolClient,
  ends: readonly SessionEnd[],
  { sender, onRevoked }: RevokeOptions,
): Promise<(Receipt | undefined)[]> {
  const call = `end_sessions(${client.escapeLiteral(JSON.stringify(ends))})`
  // PostgreSQL takes what comes in one message for one transaction.
  const answer: unknown = await client
    .query(revokeStatements(client, sender, call).join('; '))
    .catch((error: unknown) => {
      throw commitFailure(error)
    })
  const { rows, verifiers } = readAppended(Array.isArray(answer) ? answer : [])
  const events = rows
    .map((row) => toEvent({ kind: 'session', key: hasKey.Parse(row).key }, row))
    .toSorted((a, b) => a.seq - b.seq)
  if (events.length > 0) onRevoked?.(events)
  const positions = new Map(events.map(({ key, epoch, seq }) => [key, { epoch, seq }]))
  return ends.map(({ id }) => {
    const position = positions.get(id)
    return position && { position, verifiers }
  })
}
