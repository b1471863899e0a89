import type { Kysely } from 'kysely'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import {
  AckSchema,
  VerifierNameSchema,
  parsePosition,
  revocationKeys,
  type Ack,
  type Position,
} from '@portcullis/schemas'
import { sendAll, type RedisClient } from '@portcullis/service-kit'
import type { DB } from '../../database/tables.ts'
import { MAX_VERIFIERS_OF_CLIENT } from './admit.ts'
import type { VerifierRow } from '../append-on-commit.ts'
import { isSameHistory } from '../log.ts'

/** What a verifier last said of itself. */
export interface VerifierAck extends Ack {
  /** `<client id>/<instance>`: no client can speak for the verifiers of another. */
  readonly name: string
  readonly clientId: string
  /** Its field in the client's hash. */
  readonly instance: string
}

const isAck = Compile(AckSchema)
const isName = Compile(VerifierNameSchema)
const isPair = Compile(Type.Array(Type.Tuple([Type.String(), Type.String()])))
/** As many as may be there, and as many that have just gone. Of more some are heard, as it comes. */
const MAX_ACKS_OF_CLIENT = 2 * MAX_VERIFIERS_OF_CLIENT
const MAX_ACK_BYTES = 1024

/** KEYS: hash of a client. ARGV: how many acks are read, bytes that one may have. */
const READ = `
local found = redis.call('HRANDFIELD', KEYS[1], ARGV[1], 'WITHVALUES')
local acks = {}
for i = 1, #found, 2 do
  if #found[i] + #found[i + 1] <= tonumber(ARGV[2]) then acks[#acks + 1] = { found[i], found[i + 1] } end
end
return acks`

/**
 * Everything that the verifiers of these clients say in Redis. What is malformed is passed over: its author is
 * waited for until it speaks clearly or falls silent. A client can write what it likes into its hash, and as much:
 * nobody else suffers from it.
 *
 * @throws Error if Redis does not answer
 */
export async function readAcks(redis: RedisClient, clientIds: readonly string[]): Promise<VerifierAck[]> {
  const results = await sendAll(redis, clientIds, (pipeline, clientId) =>
    pipeline.eval(READ, 1, revocationKeys.ack(clientId), MAX_ACKS_OF_CLIENT, MAX_ACK_BYTES),
  )
  return results.flatMap(([error, acks], index) => {
    if (error && !isWrongType(error)) throw error
    const clientId = clientIds[index] ?? ''
    if (error || !isPair.Check(acks)) return []
    return acks.flatMap(([instance, text]) => {
      const ack = isName.Check(instance) ? parseAck(text) : undefined
      return ack ? [{ ...ack, name: `${clientId}/${instance}`, clientId, instance }] : []
    })
  })
}

/** Somebody has put something else in the place of the hash. */
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

/**
 * The same from the database: verifiers that read the feed, and all of them while Redis is away.
 *
 * @param epoch of the log that is meant. Nobody is found in a database that has another one, or is to begin one: it may
 * have lost rows, and who has none there may not be gone
 */
export async function readStoredProgress(
  db: Kysely<DB>,
  names: readonly string[],
  epoch: number,
): Promise<Map<string, Progress>> {
  const rows = await db
    .selectFrom('revocation_head as h')
    .leftJoin('verifiers as v', (join) => join.on('v.name', 'in', names))
    .select(['v.name', 'v.epoch', 'v.seq'])
    .where('h.epoch', '=', epoch)
    .where(isSameHistory)
    .execute()
  if (rows.length === 0) return new Map()
  const stored = new Map<string | null, Progress>(
    rows.map((row) => [row.name, { epoch: row.epoch ?? 0, seq: row.seq ?? 0 }]),
  )
  return new Map(names.map((name) => [name, stored.get(name) ?? 'gone']))
}
