import type { Kysely } from 'kysely'
import { Compile } from 'typebox/compile'
import { AckSchema, parsePosition, revocationKeys, type Ack, type Position } from '@portcullis/schemas'
import { sendAll, type RedisClient } from '@portcullis/service-kit'
import type { DB } from '../database/tables.ts'
import type { VerifierRow } from '../database/transaction.ts'

/** What a verifier last said of itself. */
export interface VerifierAck extends Ack {
  /** `<client id>/<instance>`: no client can speak for the verifiers of another. */
  readonly name: string
  readonly clientId: string
  /** Its field in the client's hash. */
  readonly instance: string
}

const isAck = Compile(AckSchema)
const MAX_INSTANCE = 128

/**
 * Everything that the verifiers of these clients say in Redis. What is malformed is passed over: its author is
 * waited for until it speaks clearly or falls silent.
 *
 * @throws Error if Redis does not answer
 */
export async function readAcks(redis: RedisClient, clientIds: readonly string[]): Promise<VerifierAck[]> {
  const results = await sendAll(redis, clientIds, (pipeline, clientId) =>
    pipeline.hgetall(revocationKeys.ack(clientId)),
  )
  return results.flatMap(([error, hash], index) => {
    if (error && !isWrongType(error)) throw error
    const clientId = clientIds[index] ?? ''
    if (error || typeof hash !== 'object' || hash === null) return []
    return Object.entries(hash).flatMap(([instance, text]: [string, unknown]) => {
      const ack = parseAck(text)
      return ack && instance.length <= MAX_INSTANCE
        ? [{ ...ack, name: `${clientId}/${instance}`, clientId, instance }]
        : []
    })
  })
}

/** Somebody has put something else in the place of the hash: nobody but its own client suffers from it. */
function isWrongType(error: Error): boolean {
  return error.message.startsWith('WRONGTYPE')
}

function parseAck(text: unknown): Ack | undefined {
  if (typeof text !== 'string') return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isAck.Check(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** How far a verifier is, or that it left the table and accepts nothing any more. */
export type Progress = Position | 'gone'

/** What each of these verifiers has applied, as far as it says so in Redis; nobody while Redis does not answer. */
export async function readProgress(
  redis: RedisClient,
  verifiers: readonly VerifierRow[],
): Promise<Map<string, Progress>> {
  const byClient = [...Map.groupBy(verifiers, (verifier) => verifier.client_id)]
  const results = await sendAll(redis, byClient, (pipeline, [clientId, asked]) =>
    pipeline.hmget(revocationKeys.ack(clientId), ...asked.map(({ name }) => name.slice(clientId.length + 1))),
  )
  const progress = new Map<string, Progress>()
  for (const [index, [, asked]] of byClient.entries()) {
    const answers: unknown = results[index]?.[1]
    for (const [at, { name }] of asked.entries()) {
      const position = parsePosition(
        parseAck(Array.isArray(answers) ? answers[at] : undefined)?.position ?? '',
      )
      if (position) progress.set(name, position)
    }
  }
  return progress
}

/** The same from the database: verifiers that read the feed, and all of them while Redis is away. */
export async function readStoredProgress(
  db: Kysely<DB>,
  names: readonly string[],
): Promise<Map<string, Progress>> {
  const rows = await db
    .selectFrom('verifiers')
    .select(['name', 'epoch', 'seq'])
    .where('name', 'in', names)
    .execute()
  const stored = new Map<string, Progress>(rows.map(({ name, epoch, seq }) => [name, { epoch, seq }]))
  return new Map(names.map((name) => [name, stored.get(name) ?? 'gone']))
}
