import { randomBytes } from 'node:crypto'
import { formatPosition, type Ack, type Head, type VerifierState } from '@portcullis/schemas'
import { elapsed, instant, systemClock, type Clock, type Instant } from '../clock.ts'
import type { LogReader, Outcome } from './reader.ts'
import type { Replica } from './replica.ts'

// Four a second and one a batch: even at hundreds of revocations a second these reach back far enough.
const MARKS_KEPT = 1024

export interface MemberOptions {
  name: string
  replica: Replica
  /** The greatest age at which any route of this verifier still accepts tokens. */
  maxAgeSeconds: number
  clock?: Clock | undefined
  onState?: ((state: VerifierState) => void) | undefined
}

/**
 * What a verifier is to the log's writer: one that has to be asked before an answer says "revoked". Makes the
 * acks, and learns from the marks that come back how old the replica's knowledge is. Pure, like the replica.
 *
 * joining → (all is held, and a mark came back) → live → (a mark that was written as live came back) → serves.
 * A verifier that was silent for so long that the writer may have forgotten it joins again.
 */
export class Member {
  readonly name: string
  readonly #replica: Replica
  readonly #maxAgeSeconds: number
  readonly #clock: Clock
  readonly #onState: MemberOptions['onState']
  /** Of this process start, so that no mark of another one is ever taken for one of ours. */
  readonly #nonce = randomBytes(6).toString('base64url')
  readonly #written = new Map<string, { at: Instant; state: VerifierState }>()
  #count = 0
  #state: VerifierState = 'joining'
  #liveSince: Instant

  constructor(options: MemberOptions) {
    this.name = options.name
    this.#replica = options.replica
    this.#maxAgeSeconds = options.maxAgeSeconds
    this.#clock = options.clock ?? systemClock
    this.#onState = options.onState
    this.#liveSince = instant(this.#clock)
  }

  get state(): VerifierState {
    return this.#state
  }

  /** The next ack, with a new mark. The time of writing is now, so it has to be sent at once. */
  ack(): Ack {
    const at = instant(this.#clock)
    if (this.#state === 'live' && this.#forgotten()) this.#rejoin()
    const mark = `${this.#nonce}.${++this.#count}`
    this.#written.set(mark, { at, state: this.#state })
    const [oldest] = this.#written.keys()
    if (oldest !== undefined && this.#written.size > MARKS_KEPT) this.#written.delete(oldest)
    return {
      state: this.#state,
      mark,
      position: formatPosition(this.#replica.position),
      max_age: this.#maxAgeSeconds,
    }
  }

  /**
   * Hears the head by way of a reader, and which of the marks its writer had read before it read the head.
   *
   * @returns what the replica says to the head, and whether an ack should be sent at once.
   */
  hear(
    reader: Pick<LogReader, 'advance'>,
    head: Head,
    mark: string | undefined,
  ): { outcome: Outcome; urgent: boolean } {
    const written = mark === undefined ? undefined : this.#written.get(mark)
    const outcome = reader.advance(head, written?.state === 'live' ? written.at : undefined)
    if (outcome !== 'covered' || !written || this.#state !== 'joining') return { outcome, urgent: false }
    this.#liveSince = instant(this.#clock)
    this.#become('live')
    return { outcome, urgent: true }
  }

  /** From here on acks say that this verifier serves no more. */
  leave(): void {
    this.#become('leaving')
  }

  #become(state: VerifierState): void {
    if (this.#state !== state) this.#onState?.(state)
    this.#state = state
  }

  // The writer forgets a verifier after twice its greatest age; by then this one has long stopped to serve.
  #forgotten(): boolean {
    const silence = Math.min(this.#replica.age(), elapsed(this.#clock, this.#liveSince))
    return silence > this.#maxAgeSeconds * 2000
  }

  #rejoin(): void {
    this.#become('joining')
    this.#written.clear()
  }
}
