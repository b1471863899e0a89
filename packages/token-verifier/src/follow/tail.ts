import type { Clock } from '../clock.ts'
import type { Member } from '../replica/member.ts'
import type { LogReader } from '../replica/reader.ts'
import type { Replica } from '../replica/replica.ts'
import { Admission } from './admission.ts'
import { FRONT, type Read } from './entries.ts'
import { reportApplied, type Observer } from './observer.ts'

/** Most entries of each stream that one read asks for. */
export const COUNT = 2000
const SHORTEST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1000

export interface TailOptions {
  clientId: string
  member: Member
  replica: Replica
  clock: Clock
  observer: Observer
  /** Milliseconds for the pace of reading; real time unless a test says otherwise. */
  pace?: () => number
}

/** What a read from Redis leads to: where to read on, and when to read all again. Without I/O. */
export class Tail {
  readonly #options: TailOptions
  readonly #reader: LogReader
  readonly #pace: () => number
  readonly #admission = new Admission()
  #logId = FRONT
  #isGarbled = false
  #coveredAt = -Infinity
  /** When the log was last begun to be read from its front, and from when on that may be done again. */
  #reload = { since: -Infinity, next: -Infinity }

  constructor(options: TailOptions) {
    this.#options = options
    this.#reader = options.replica.reader()
    this.#pace = options.pace ?? (() => performance.now())
  }

  /** The next read of the log begins after this id. */
  get logId(): string {
    return this.#logId
  }

  /** Milliseconds since a head was last reached on this path. */
  silence(): number {
    return this.#pace() - this.#coveredAt
  }

  /**
   * Goes on behind what was read.
   *
   * @returns whether there is certainly more.
   */
  moveOn(read: Read): boolean {
    this.#logId = read.logId ?? this.#logId
    return read.logged >= COUNT
  }

  /** @returns whether a head was reached, and whether an ack should be sent at once. */
  take(read: Read): { isCovered: boolean; isUrgent: boolean } {
    const { clientId, member } = this.#options
    const mark = read.beat?.marks[`${clientId}/${member.name}`]
    const isNew = read.events.length > 0
    const whole = this.#apply(read)
    if (read.beat && this.#admission.isRefused(mark !== undefined, this.#pace()))
      this.#options.observer.unadmitted?.(clientId)
    // Until all was read again without it, nobody knows what should stand there.
    this.#isGarbled ||= read.isGarbled
    // What is left unread would make a beat look as if it ran ahead of the log.
    if (read.logged >= COUNT) return { isCovered: false, isUrgent: isNew }
    this.#readToEnd()
    const isGarbled = this.#isGarbled
    if (!whole || isGarbled) this.#readAllAgain()
    if (!read.beat || isGarbled) return { isCovered: false, isUrgent: isNew }
    const { outcome, urgent } = member.hear(this.#reader, read.beat, mark)
    if (outcome === 'behind') this.#readAllAgain()
    if (outcome === 'covered') this.#coveredAt = this.#pace()
    return { isCovered: outcome === 'covered', isUrgent: urgent || isNew }
  }

  #apply({ events }: Read): boolean {
    const { replica, observer, clock } = this.#options
    const before = replica.position
    const whole = this.#reader.apply(events)
    reportApplied(observer, events, before, clock)
    return whole
  }

  #readToEnd(): void {
    if (this.#reload.next !== Infinity) return
    const now = this.#pace()
    const pause = Math.max(SHORTEST_PAUSE_MS, now - this.#reload.since)
    this.#reload.next = now + Math.min(pause, LONGEST_PAUSE_MS)
  }

  /** Reads all again from the front, but not without pause: what is wrong with the log may take a while to mend. */
  #readAllAgain(): void {
    const now = this.#pace()
    if (now < this.#reload.next) return
    this.#reload = { since: now, next: Infinity }
    this.#logId = FRONT
    this.#isGarbled = false
    this.#reader.reload()
    this.#options.observer.reloading?.('redis')
  }
}
