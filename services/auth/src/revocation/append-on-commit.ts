import type { PoolClient } from 'pg'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import type { RevocationEvent, RevocationKind } from '@portcullis/schemas'
import { CHANNELS } from '../database/channels.ts'

/** What is to be appended to the log. */
export interface Revocation {
  readonly kind: RevocationKind
  readonly key: string
  readonly value?: number
}

const VerifierRowSchema = Type.Object({ name: Type.String(), client_id: Type.String() })
export type VerifierRow = Static<typeof VerifierRowSchema>

const isAppended = Compile(
  Type.Object({ epoch: Type.Integer(), seq: Type.Integer(), keep_until: Type.Unknown(), at: Type.Unknown() }),
)
const isVerifierRows = Compile(Type.Array(VerifierRowSchema))

/** Append by a function, and leave what it says and then the verifiers. */
export function revokeStatements(client: PoolClient, sender: string | undefined, call: string): string[] {
  return [
    `notify ${CHANNELS.revocations}, ${client.escapeLiteral(sender ?? '')}`,
    `select * from ${call}`,
    // Read after the head row is locked: a verifier that joins later is told of this event before it serves.
    'select name, client_id from verifiers',
  ]
}

/** Reads the last two results of `revokeStatements`. */
export function readAppended(results: readonly unknown[]): {
  readonly rows: readonly unknown[]
  readonly verifiers: readonly VerifierRow[]
} {
  const [rows, verifiers] = results.slice(-2).map(rowsOf)
  if (!rows || !isVerifierRows.Check(verifiers)) throw new Error('the verifiers have another shape')
  return { rows, verifiers }
}

/** @throws Error if the row is not one of append_revocation */
export function toEvent({ kind, key, value = 0 }: Revocation, row: unknown): RevocationEvent {
  if (isAppended.Check(row)) {
    const { epoch, seq, keep_until, at } = row
    if (keep_until instanceof Date && at instanceof Date)
      return { epoch, seq, kind, key, value, keep_until: keep_until.getTime(), at: at.getTime() }
  }
  throw new Error('append_revocation answered in another shape')
}

function rowsOf(result: unknown): unknown[] {
  const rows: unknown = Reflect.get(Object(result), 'rows')
  return Array.isArray(rows) ? rows : []
}
