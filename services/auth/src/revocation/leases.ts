import type { Kysely } from 'kysely'
import type { Clock } from '@portcullis/token-verifier'
import type { DB } from '../database/tables.ts'
import type { Registrar } from './registrar.ts'
import { Ticker } from './ticker.ts'
import { deleteVerifierSeenAt, listVerifierLeases } from './verifiers.ts'

const LOOK_EVERY_MS = 1000
/** After a standstill of so long it was not this verifier that was silent. */
const STANDSTILL_MS = 3000

interface Log {
  warn(fields: object, message: string): void
}

interface Lease {
  readonly seenAt: number
  /** Monotonic time at which the row had just been found so for the first time. */
  readonly since: number
}

export interface LeasesOptions {
  readonly db: Kysely<DB>
  readonly clock: Clock
  readonly registrar: Pick<Registrar, 'forget' | 'forgetStale'>
  readonly log: Log
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

  constructor(options: LeasesOptions) {
    this.#options = options
    this.#ticker = new Ticker(
      () => this.#look(),
      LOOK_EVERY_MS,
      () => this.#leases.clear(),
    )
  }

  /** How many verifiers every revocation waits for, as far as was last seen. */
  get size(): number {
    return this.#leases.size
  }

  start(): void {
    this.#ticker.start()
  }

  async stop(): Promise<void> {
    await this.#ticker.stop()
  }

  async #look(): Promise<void> {
    const { db, clock, registrar, log } = this.#options
    const now = clock.monotonic()
    if (now - this.#lookedAt > STANDSTILL_MS) this.#leases.clear()
    this.#lookedAt = now
    const leases = new Map<string, Lease>()
    const silent: { name: string; client_id: string }[] = []
    const rows = await listVerifierLeases(db)
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
    for (const verifier of silent)
      log.warn({ verifier: verifier.name, client_id: verifier.client_id }, 'verifier fell silent')
    // Redis may be away; what is left behind there is taken away later.
    const gone = silent.map(({ name, client_id }) => ({ name, clientId: client_id }))
    await registrar.forget(gone).catch(() => undefined)
    await registrar.forgetStale(new Set(leases.keys())).catch(() => undefined)
  }
}
