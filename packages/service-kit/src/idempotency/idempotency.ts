import { createHmac } from 'node:crypto'
import { sql, type Kysely } from 'kysely'
import { Type } from 'typebox'
import type { FastifyRequest } from 'fastify'
import { RETRY_SOON, problem } from '../problems/problem.ts'
import { deriveKey } from '../secrets/derive-key.ts'
import { transact } from '../stores/transaction.ts'

/** Header schema of routes that take the key, for their descriptions. */
export const IdempotencyKeySchema = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,255}$',
      description: 'Repeat a request with its key and body, and get its first answer again, for 24 hours',
    }),
  ),
})

/** Errors of these routes, for their descriptions. */
export const IDEMPOTENCY_PROBLEMS = ['IDEMPOTENCY_KEY_RUNNING', 'IDEMPOTENCY_KEY_REUSED'] as const

/** Headers of an answer that an earlier request was given. */
export const REPLAYED = { 'idempotency-replayed': 'true' }

/** One request that may be repeated, as it is remembered: neither key nor body can be read from it. */
export interface IdempotentRequest {
  /** Whose key it is; the same key of somebody else is another key. */
  readonly owner: string
  readonly key: Buffer
  readonly body: Buffer
}

/** The first request with the same key, as another one finds it. */
export interface Remembered {
  readonly answer: unknown
  /** Whether both have the same body. */
  readonly isSameBody: boolean
}

/**
 * Remembers successful answers by `Idempotency-Key`, in the transaction that made them, so that what was made
 * once is answered again rather than made twice. The database has this table:
 *
 *     create table idempotency_keys (
 *       key bytea primary key,
 *       owner text not null,
 *       body bytea not null,
 *       answer jsonb not null,
 *       created_at timestamptz not null default now()
 *     );
 */
export class Idempotency {
  readonly #hmacKey: Buffer

  /** @param secret shared by all instances of the service. */
  constructor(secret: string) {
    this.#hmacKey = deriveKey(secret, 'idempotency')
  }

  /** What the request is remembered by, or undefined if it has no key. */
  of(request: FastifyRequest, owner: string): IdempotentRequest | undefined {
    const key = request.headers['idempotency-key']
    if (typeof key !== 'string') return undefined
    const route = `${request.method} ${request.routeOptions.url ?? ''}`
    return {
      owner,
      key: this.#hmac(JSON.stringify([route, owner, key])),
      body: this.#hmac(canonical(request.body)),
    }
  }

  #hmac(text: string): Buffer {
    return createHmac('sha256', this.#hmacKey).update(text).digest()
  }
}

/**
 * The answer that this request had the first time, or undefined if this is the first time. To be called first in
 * the transaction that makes the answer; until it ends, the key is taken.
 *
 * @throws {ProblemError} IDEMPOTENCY_KEY_RUNNING while the first request runs, IDEMPOTENCY_KEY_REUSED if its body
 * was another.
 */
async function findAnswer<DB>(trx: Kysely<DB>, request: IdempotentRequest): Promise<unknown> {
  const remembered = await findRemembered(trx, request)
  if (remembered && !remembered.isSameBody) throw problem('IDEMPOTENCY_KEY_REUSED')
  return remembered?.answer
}

/**
 * As `findAnswer`, for routes where it tells something whether a body is the one of before: they decide what that
 * comes to.
 *
 * @throws {ProblemError} IDEMPOTENCY_KEY_RUNNING while the first request runs.
 */
export async function findRemembered<DB>(
  trx: Kysely<DB>,
  request: IdempotentRequest,
): Promise<Remembered | undefined> {
  const lock = request.key.readBigInt64BE().toString()
  const locked = await sql<{
    mine: boolean
  }>`select pg_try_advisory_xact_lock(${lock}::bigint) as mine`.execute(trx)
  if (locked.rows[0]?.mine !== true) throw problem('IDEMPOTENCY_KEY_RUNNING', { headers: RETRY_SOON })
  // A statement of its own: it sees what the last holder of the lock has committed.
  const found = await sql<{ body: Buffer; answer: unknown }>`
    select body, answer from idempotency_keys
    where key = ${request.key} and created_at > now() - interval '24 hours'`.execute(trx)
  const first = found.rows[0]
  return first && { answer: first.answer, isSameBody: first.body.equals(request.body) }
}

/** Remembers the answer, which JSON must be able to hold. To be called in the same transaction. */
export async function insertAnswer<DB>(
  trx: Kysely<DB>,
  request: IdempotentRequest,
  answer: object,
): Promise<void> {
  await sql`
    insert into idempotency_keys (key, owner, body, answer)
    values (${request.key}, ${request.owner}, ${request.body}, ${JSON.stringify(answer)}::jsonb)
    on conflict (key) do update
    set owner = excluded.owner, body = excluded.body, answer = excluded.answer, created_at = now()`.execute(
    trx,
  )
}

export interface Created<T> {
  readonly answer: T
  /** Whether it is the answer of an earlier request. */
  readonly isReplayed: boolean
}

/**
 * Makes something once for each key: in a transaction that remembers the answer, or without either if the
 * request has no key.
 *
 * @param answers tells whether what was remembered has the shape of an answer.
 * @throws {ProblemError} as `findAnswer` and `transact`, and whatever `create` throws.
 */
export async function createOnce<DB, T extends object>(
  db: Kysely<DB>,
  request: IdempotentRequest | undefined,
  answers: { Check(value: unknown): value is T },
  create: (db: Kysely<DB>) => Promise<T>,
): Promise<Created<T>> {
  if (request === undefined) return { answer: await create(db), isReplayed: false }
  return transact(db, async (trx) => {
    const remembered = await findAnswer(trx, request)
    if (remembered !== undefined) {
      if (!answers.Check(remembered)) throw new Error('an answer was remembered in another shape')
      return { answer: remembered, isReplayed: true }
    }
    const answer = await create(trx)
    await insertAnswer(trx, request, answer)
    return { answer, isReplayed: false }
  })
}

/** Forgets answers older than 24 hours, at most so many at once. @returns how many. */
export async function deleteOldAnswers<DB>(db: Kysely<DB>, limit = 1000): Promise<number> {
  const deleted = await sql`
    delete from idempotency_keys where key in (
      select key from idempotency_keys where created_at < now() - interval '24 hours'
      limit ${limit} for update skip locked
    )`.execute(db)
  return Number(deleted.numAffectedRows ?? 0)
}

/** JSON in which the order of names does not matter. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_name, part: unknown) =>
      typeof part === 'object' && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    ) ?? ''
  )
}
