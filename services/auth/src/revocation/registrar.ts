import type { Redis } from 'ioredis'
import type { Kysely } from 'kysely'
import { revocationKeys } from '@portcullis/schemas'
import { elapsed, instant, type Clock, type Instant } from '@portcullis/token-verifier'
import type { DB } from '../database/tables.ts'
import type { VerifierAck } from './acks.ts'
import {
  deleteSilentVerifiers,
  deleteVerifiers,
  insertVerifiers,
  listVerifierClientIds,
  renewVerifiers,
} from './verifiers.ts'

interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** How old the row of a verifier that speaks may become: a small part of the shortest silence that removes one. */
const RENEW_EVERY_MS = 400
const SWEEP_EVERY_MS = 1000

/** Keeps the table of verifiers by what they say in Redis: who joined, still speaks, left, or fell silent. */
export class Registrar {
  readonly #db: Kysely<DB>
  readonly #redis: Redis
  readonly #clock: Clock
  readonly #log: Log
  #clientIds: readonly string[] = []
  /** Who is in the table for certain, and when it was last renewed there. */
  readonly #renewed = new Map<string, Instant>()
  #lastMarks = new Map<string, string>()
  readonly #heard = new Set<string>()
  #renewedAt: Instant | undefined
  #sweptAt: Instant | undefined
  /** Since when acks could be read without a gap: silence is counted only while one could have heard. */
  #listeningSince: Instant | undefined

  constructor(db: Kysely<DB>, redis: Redis, clock: Clock, log: Log) {
    this.#db = db
    this.#redis = redis
    this.#clock = clock
    this.#log = log
  }

  /** Clients whose verifiers are listened to. */
  async clientIds(): Promise<readonly string[]> {
    const now = instant(this.#clock)
    if (!this.#sweptAt || elapsed(this.#clock, this.#sweptAt) >= SWEEP_EVERY_MS) await this.#sweep(now)
    return this.#clientIds
  }

  /** Acks could not be read: nobody is taken out for silence before they have been readable for a while. */
  deaf(): void {
    this.#listeningSince = undefined
  }

  /**
   * Brings the table up to what was read.
   *
   * @returns the newest mark of everybody who stands in the table now, to be echoed in the next beat
   */
  async note(acks: readonly VerifierAck[]): Promise<Record<string, string>> {
    const now = instant(this.#clock)
    this.#listeningSince ??= now
    const speaking = acks.filter(
      (ack) => ack.state !== 'leaving' && this.#lastMarks.get(ack.name) !== ack.mark,
    )
    await this.#join(
      speaking.filter((ack) => !this.#isSureOf(ack)),
      now,
    )
    for (const ack of speaking) this.#heard.add(ack.name)
    if (!this.#renewedAt || elapsed(this.#clock, this.#renewedAt) >= RENEW_EVERY_MS) await this.#renew(now)
    await this.#leave(acks.filter((ack) => ack.state === 'leaving'))
    this.#lastMarks = new Map(acks.map((ack) => [ack.name, ack.mark]))
    const echoed = acks.filter((ack) => this.#isSureOf(ack))
    return Object.fromEntries(echoed.map((ack) => [ack.name, ack.mark]))
  }

  /**
   * Nobody takes a row out before it is twice as old as its verifier's greatest age. One that was renewed within
   * that age therefore stays for longer than any mark echoed now lets its verifier serve.
   */
  #isSureOf(ack: VerifierAck): boolean {
    const renewed = this.#renewed.get(ack.name)
    return renewed !== undefined && elapsed(this.#clock, renewed) < ack.max_age * 1000
  }

  async #join(acks: readonly VerifierAck[], now: Instant): Promise<void> {
    await insertVerifiers(
      this.#db,
      acks.map(({ name, clientId, max_age }) => ({ name, clientId, maxAge: max_age })),
    )
    for (const { name, clientId } of acks) {
      this.#renewed.set(name, now)
      this.#log.info({ verifier: name, client_id: clientId }, 'verifier joined')
    }
  }

  async #renew(now: Instant): Promise<void> {
    const heard = [...this.#heard]
    this.#heard.clear()
    const renewed = new Set(await renewVerifiers(this.#db, heard))
    for (const name of heard)
      if (renewed.has(name)) this.#renewed.set(name, now)
      else this.#renewed.delete(name)
    this.#renewedAt = now
  }

  async #leave(acks: readonly VerifierAck[]): Promise<void> {
    if (acks.length === 0) return
    await deleteVerifiers(
      this.#db,
      acks.map((ack) => ack.name),
    )
    for (const ack of acks) await this.#forget(ack.name, ack.clientId, 'verifier left')
  }

  async #sweep(now: Instant): Promise<void> {
    if (this.#listeningSince) {
      const silent = await deleteSilentVerifiers(this.#db, elapsed(this.#clock, this.#listeningSince) / 1000)
      for (const { name, client_id } of silent) await this.#forget(name, client_id, 'verifier fell silent')
    }
    this.#clientIds = await listVerifierClientIds(this.#db)
    this.#sweptAt = now
  }

  async #forget(name: string, clientId: string, message: string): Promise<void> {
    this.#renewed.delete(name)
    await this.#redis.hdel(revocationKeys.ack(clientId), name.slice(clientId.length + 1))
    this.#log.info({ verifier: name, client_id: clientId }, message)
  }
}
