import type { Kysely } from 'kysely'
import { revocationKeys } from '@portcullis/schemas'
import { elapsed, instant, type Clock, type Instant } from '@portcullis/token-verifier'
import type { Log, RedisClient } from '@portcullis/service-kit'
import type { DB } from '../../database/tables.ts'
import type { VerifierAck } from './acks.ts'
import { MAX_VERIFIERS_OF_CLIENT } from './admit.ts'
import type { Serving } from './serving.ts'
import { deleteVerifiers, insertVerifiers, listVerifierClientIds, renewVerifiers } from './queries.ts'

/** How old the row of a verifier that speaks may become: a small part of the shortest silence that removes one. */
const RENEW_EVERY_MS = 400
const LOOK_EVERY_MS = 1000
/** An ack unchanged for this long is deleted if its verifier is not in the table. */
const FORGET_AFTER_MS = 60_000
/** Acks that one command takes away. */
const FORGET_AT_ONCE = 1000
/** How often it is said of a client that it has too many verifiers. */
const WARN_EVERY_MS = 60_000

/** What is known of a verifier that has spoken in Redis. */
interface Speaker {
  readonly clientId: string
  mark: string
  /** When the mark was first seen. */
  since: Instant
  /** Whether it has spoken since the rows were last renewed. */
  isHeard: boolean
  /** When its row was last put into, or renewed in, the table. */
  renewed: Instant | undefined
}

export interface RegistrarOptions {
  readonly db: Kysely<DB>
  readonly redis: RedisClient
  readonly clock: Clock
  readonly serving: Pick<Serving, 'note' | 'forget'>
  readonly log: Pick<Log, 'info' | 'warn'>
}

/** Keeps the table of verifiers by what they say in Redis: who joined, still speaks, or left. */
export class Registrar {
  readonly #options: RegistrarOptions
  readonly #speakers = new Map<string, Speaker>()
  /** Whether the acks were readable the last time: only then a new one means that somebody has just spoken. */
  #isListening = false
  #clientIds: { readonly at: Instant; readonly ids: readonly string[] } | undefined
  #renewedAt: Instant | undefined
  /** When it was last said of a client that it has too many verifiers. */
  readonly #warned = new Map<string, Instant>()

  constructor(options: RegistrarOptions) {
    this.#options = options
  }

  /** Clients whose verifiers are listened to. */
  async clientIds(): Promise<readonly string[]> {
    if (!this.#clientIds || this.#isOver(this.#clientIds.at, LOOK_EVERY_MS))
      this.#clientIds = {
        at: instant(this.#options.clock),
        ids: await listVerifierClientIds(this.#options.db),
      }
    return this.#clientIds.ids
  }

  /** Acks could not be read: what lies there when they can be may have been left behind long ago. */
  acksUnreadable(): void {
    this.#isListening = false
  }

  /** The table may have lost rows: nobody is known to stand in it who has not been put there anew. */
  distrustTable(): void {
    for (const speaker of this.#speakers.values()) speaker.renewed = undefined
  }

  /** Takes the acks of those away who have been taken out of the table. */
  async forget(verifiers: readonly Pick<VerifierAck, 'name' | 'clientId'>[]): Promise<void> {
    for (const { name } of verifiers) this.#speakers.delete(name)
    for (const [clientId, ofClient] of Map.groupBy(verifiers, (verifier) => verifier.clientId))
      for (let at = 0; at < ofClient.length; at += FORGET_AT_ONCE)
        await this.#options.redis.hdel(
          revocationKeys.ack(clientId),
          ...ofClient.slice(at, at + FORGET_AT_ONCE).map(({ name }) => name.slice(clientId.length + 1)),
        )
  }

  /** The same with acks that have not changed for long and belong to nobody in the table. */
  async forgetStale(present: ReadonlySet<string>): Promise<void> {
    const stale = [...this.#speakers].filter(
      ([name, { since }]) => !present.has(name) && this.#isOver(since, FORGET_AFTER_MS),
    )
    await this.forget(stale.map(([name, { clientId }]) => ({ name, clientId })))
  }

  /**
   * Brings the table up to what was read.
   *
   * @returns the newest mark of everybody who stands in the table now, to be echoed in the next beat
   */
  async update(acks: readonly VerifierAck[]): Promise<Record<string, string>> {
    const now = instant(this.#options.clock)
    const speaking = acks.filter((ack) => this.#hear(ack, now))
    this.#isListening = true
    await this.#join(
      speaking.filter((ack) => !this.#isRenewed(ack)),
      now,
    )
    if (!this.#renewedAt || this.#isOver(this.#renewedAt, RENEW_EVERY_MS)) await this.#renew(now)
    await this.#leave(acks.filter((ack) => ack.state === 'leaving'))
    const echoed = acks.filter((ack) => this.#isRenewed(ack))
    for (const { name, clientId, max_age } of echoed)
      this.#options.serving.note(
        { name, clientId, maxAge: max_age },
        this.#speakers.get(name)?.since.monotonic,
      )
    return Object.fromEntries(echoed.map((ack) => [ack.name, ack.mark]))
  }

  /** Whether it has just spoken, and means to stay. */
  #hear(ack: VerifierAck, now: Instant): boolean {
    const speaker = this.#speakers.get(ack.name)
    if (speaker?.mark === ack.mark) return false
    // What lies there when the listening begins may have been left behind by somebody who is gone.
    const isNews = speaker !== undefined || this.#isListening
    const { clientId, mark } = ack
    const isHeard = isNews && ack.state !== 'leaving'
    this.#speakers.set(ack.name, { clientId, mark, since: now, isHeard, renewed: speaker?.renewed })
    return isHeard
  }

  /**
   * Nobody takes a row out before it is twice as old as its verifier's greatest age. One that was renewed within
   * that age therefore stays for longer than any mark echoed now lets its verifier serve. Whoever was passed over,
   * because its client may not read the log or has too many verifiers, is sent no mark and does not serve.
   */
  #isRenewed(ack: VerifierAck): boolean {
    const renewed = this.#speakers.get(ack.name)?.renewed
    return renewed !== undefined && !this.#isOver(renewed, ack.max_age * 1000)
  }

  async #join(acks: readonly VerifierAck[], now: Instant): Promise<void> {
    const { present, joined, full } = await insertVerifiers(
      this.#options.db,
      acks.map(({ name, clientId, max_age }) => ({ name, clientId, maxAge: max_age })),
    )
    for (const { name } of acks) this.#setRenewed(name, present.has(name) ? now : undefined)
    for (const { name, clientId } of acks)
      if (joined.has(name)) this.#options.log.info({ verifier: name, client_id: clientId }, 'verifier joined')
    for (const clientId of full) this.#warnOfFull(clientId, now)
  }

  #warnOfFull(clientId: string, now: Instant): void {
    const warned = this.#warned.get(clientId)
    if (warned && !this.#isOver(warned, WARN_EVERY_MS)) return
    this.#warned.set(clientId, now)
    this.#options.log.warn(
      { client_id: clientId, limit: MAX_VERIFIERS_OF_CLIENT },
      'client has too many verifiers, further ones cannot join',
    )
  }

  async #renew(now: Instant): Promise<void> {
    const heard = [...this.#speakers].filter(([, speaker]) => speaker.isHeard).map(([name]) => name)
    const renewed = new Set(await renewVerifiers(this.#options.db, heard))
    for (const name of heard) this.#setRenewed(name, renewed.has(name) ? now : undefined)
    this.#renewedAt = now
  }

  #setRenewed(name: string, at: Instant | undefined): void {
    const speaker = this.#speakers.get(name)
    if (!speaker) return
    speaker.renewed = at
    speaker.isHeard = false
  }

  async #leave(acks: readonly VerifierAck[]): Promise<void> {
    if (acks.length === 0) return
    const names = acks.map((ack) => ack.name)
    for (const name of names) this.#options.serving.forget(name)
    const left = new Set(await deleteVerifiers(this.#options.db, names))
    await this.forget(acks)
    for (const { name, clientId } of acks)
      if (left.has(name)) this.#options.log.info({ verifier: name, client_id: clientId }, 'verifier left')
  }

  #isOver(since: Instant, milliseconds: number): boolean {
    return elapsed(this.#options.clock, since) >= milliseconds
  }
}
