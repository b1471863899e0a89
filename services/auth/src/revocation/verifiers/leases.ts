import type { Kysely } from 'kysely'
import type { Clock } from '@portcullis/token-verifier'
import type { Log } from '@portcullis/service-kit'
import type { DB } from '../../database/tables.ts'
import type { Registrar } from './registrar.ts'
import type { Serving } from './serving.ts'
import { Ticker } from '../ticker.ts'
import { deleteVerifierSeenAt, listVerifierLeases } from './queries.ts'

const LOOK_EVERY_MS = 1000
/** After a pause this long it was this instance that stood still, not the verifiers. */
const STANDSTILL_MS = 3000

interface Lease {
  readonly seenAt: number
  /** Monotonic time at which the row had just been found so for the first time. */
  readonly since: number
}

export interface LeasesOptions {
  readonly db: Kysely<DB>
  readonly clock: Clock
  readonly registrar: Pick<Registrar, 'forget' | 'forgetStale'>
  readonly serving: Pick<Serving, 'note' | 'forgetOthers'>
  readonly log: Pick<Log, 'warn'>
}

/**
 * Takes out of the table of verifiers whoever has been silent for twice its own greatest age. Its row is renewed
 * before any mark of it is echoed, and a mark lets it serve for no longer than that age: it has long stopped. No
 * clock is compared with another one, a row has to stand unchanged by the monotonic clock of this instance.
 */
export class Leases {
  readonly #options: LeasesOptions
  readonly #ticker: Ticker
  #leases = new Map<string, Lease>()
  #lookedAt = Number.POSITIVE_INFINITY
  /** In which the rows were last read; undefined if that was not just now. */
  #epoch: number | undefined

  constructor(options: LeasesOptions) {
    this.#options = options
    this.#ticker = new Ticker(
      () => this.#look(),
      LOOK_EVERY_MS,
      () => this.#begin(),
    )
  }

  start(): void {
    this.#ticker.start()
  }

  async stop(): Promise<void> {
    await this.#ticker.stop()
  }

  /** Nothing is known of what has happened since the last look. */
  #begin(): void {
    this.#leases.clear()
    this.#epoch = undefined
  }

  async #look(): Promise<void> {
    const { db, clock, registrar, log } = this.#options
    const now = clock.monotonic()
    if (now - this.#lookedAt > STANDSTILL_MS) this.#begin()
    this.#lookedAt = now
    const leases = new Map<string, Lease>()
    const silent: { name: string; client_id: string }[] = []
    const rows = await listVerifierLeases(db)
    if (rows.length === 0) return this.#begin()
    // It may have been renewed at any time until now, however long the list took.
    const since = clock.monotonic()
    for (const { name, client_id, max_age, seen_at } of rows) {
      const held = this.#leases.get(name)
      const lease = held?.seenAt === seen_at.getTime() ? held : { seenAt: seen_at.getTime(), since }
      const isOver = now - lease.since > 2000 * max_age
      if (isOver && (await deleteVerifierSeenAt(db, name, seen_at))) silent.push({ name, client_id })
      else leases.set(name, lease)
    }
    this.#leases = leases
    this.#remember(rows, now)
    for (const verifier of silent)
      log.warn({ verifier: verifier.name, client_id: verifier.client_id }, 'verifier fell silent')
    // Redis may be away; what is left behind there is taken away later.
    const gone = silent.map(({ name, client_id }) => ({ name, clientId: client_id }))
    await registrar.forget(gone).catch(() => undefined)
    await registrar.forgetStale(new Set(leases.keys())).catch(() => undefined)
  }

  /**
   * A missing row was removed on purpose, unless the database lost it: then the epoch differs, or `#epoch` is undefined
   * since the last look failed.
   */
  #remember(rows: Awaited<ReturnType<typeof listVerifierLeases>>, since: number): void {
    const { serving } = this.#options
    for (const { name, client_id, max_age } of rows) {
      const lease = this.#leases.get(name)
      if (lease) serving.note({ name, clientId: client_id, maxAge: max_age }, lease.since)
    }
    const epoch = rows[0]?.epoch
    if (epoch === this.#epoch) serving.forgetOthers(this.#leases, since)
    this.#epoch = epoch
  }
}
