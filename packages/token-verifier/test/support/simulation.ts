import {
  formatPosition,
  revocationKeys,
  type Head,
  type RevocationEvent,
  EVENT_FIELD,
  formatEvent,
} from '@portcullis/schemas'
import { FakeClock } from '@portcullis/test-kit'
import { Member, Replica } from '@portcullis/token-verifier'
import { readReply } from '../../src/follow/entries.ts'
import { COUNT, Tail } from '../../src/follow/tail.ts'
import { event, userClaims } from './events.ts'

const CLIENT = 'client'
const TOKEN_LIFE_MS = 60 * 60_000
const KEPT_MS = TOKEN_LIFE_MS + 5 * 60_000

type Entry = [id: string, fields: string[]]

/** What happens next in a run; numbers choose among what there is. */
export type Op =
  | { op: 'commit'; session: number }
  | { op: 'relay' }
  | { op: 'read'; most: number }
  | { op: 'ack' }
  | { op: 'pass'; ms: number }
  | { op: 'epoch' }
  | { op: 'promote'; missing: number }
  | { op: 'prune' }
  | { op: 'flush' }
  | { op: 'lose'; most: number }
  | { op: 'repeat' }
  | { op: 'foreign'; fields: string[]; seq: number }
  | { op: 'beat'; epoch: number; seq: number; base: number }
  | { op: 'turn'; ms: number }

/**
 * The log's writer, Redis and one verifier, in memory and in one's own order of steps. The verifier's code is
 * the real one but for I/O; the writer follows the rules of auth's relay; Redis forgets what it is told to.
 */
export class Simulation {
  readonly clock = new FakeClock(1.7e12)
  readonly replica = new Replica({ clock: this.clock })
  readonly #member = new Member({ name: 'm', replica: this.replica, maxAgeSeconds: 2, clock: this.clock })
  readonly #tail = new Tail({
    clientId: CLIENT,
    member: this.#member,
    replica: this.replica,
    clock: this.clock,
    observer: {},
    pace: () => this.clock.monotonic(),
  })
  /** The truth: what is committed, and when by a clock that nobody turns. */
  readonly #committed: { event: RevocationEvent; at: number }[] = []
  #head: Head = { epoch: 1, seq: 0, base: 0 }
  #epochAt = 0
  /** Redis: both streams, and the last ack. */
  #log: Entry[] = []
  #beats: Entry[] = []
  #beatCount = 0
  #beatId = '0-0'
  #mark: string | undefined
  /** Whether somebody has said beats who does not know the log. */
  #isForged = false
  /** What the wall of the verifier shows beyond the truth. */
  #turned = 0

  step(op: Op): void {
    // No two steps happen in the same moment.
    this.clock.advance(0.01)
    switch (op.op) {
      case 'commit':
        return this.#commit(`session-${op.session}`)
      case 'relay':
        return this.relay()
      case 'read':
        return this.read(op.most)
      case 'ack':
        return this.ack()
      case 'pass':
        return this.clock.advance(op.ms)
      case 'epoch':
        return this.#raise()
      case 'promote':
        return this.#promote(op.missing)
      case 'prune':
        return this.#prune()
      case 'flush':
        this.#log = []
        this.#beats = []
        return
      case 'lose':
        this.#log.splice(this.#log.length - Math.min(op.most, this.#log.length))
        return
      case 'repeat':
        return this.#beat(this.#beats.at(-1)?.[1])
      case 'foreign':
        return this.#foreign(`${this.#head.epoch}-${this.#head.seq + op.seq}`, op.fields)
      case 'beat':
        this.#isForged = true
        return this.#beat(beatFields({ epoch: op.epoch, seq: op.seq, base: op.base }, {}))
      case 'turn':
        this.#turned += op.ms
        return this.clock.set(this.clock.now() + op.ms)
      default:
        return op satisfies never
    }
  }

  /**
   * Reads acks, then the head, appends what comes after the last id, trims, and says the beat, whatever is missing.
   */
  relay(): void {
    const marks = this.#mark === undefined ? {} : { [`${CLIENT}/m`]: this.#mark }
    const last = this.#log.at(-1)?.[0] ?? '0-0'
    this.#log.push(...this.#kept().filter(([id]) => isLater(id, last)))
    const first = `${this.#head.epoch}-${this.#head.base + 1}`
    this.#log = this.#log.filter(([id]) => !isLater(first, id))
    this.#beat(beatFields(this.#head, marks))
  }

  /** Somebody has thrown the stream away and written it again. */
  repair(): void {
    this.#log = this.#kept()
  }

  read(most = COUNT): void {
    const from = (entries: readonly Entry[], id: string) => entries.filter(([own]) => isLater(own, id))
    const beats = from(this.#beats, this.#beatId)
    const log = from(this.#log, this.#tail.logId).slice(0, most)
    const isCut = log.length < from(this.#log, this.#tail.logId).length
    const streams: [string, Entry[]][] = [[revocationKeys.log, log]]
    // A real read that was cut short by its COUNT says so by its length; here it leaves out the beats.
    if (!isCut) streams.push([revocationKeys.beat, beats])
    const read = readReply(streams)
    this.#beatId = read.beatId ?? this.#beatId
    this.#tail.moveOn(read)
    this.#tail.take(read)
  }

  ack(): void {
    this.#mark = this.#member.ack().mark
  }

  /** Sessions that the verifier would accept a token of although they were dead as of its age, by the truth. */
  wronglyAccepted(): string[] {
    const knownUntil = this.clock.monotonic() - this.replica.age()
    const wrong = this.#committed
      .filter(({ at }) => at <= knownUntil && at > this.clock.monotonic() - TOKEN_LIFE_MS)
      .filter(({ event }) => !this.replica.isRevoked(userClaims({ sid: event.key, ep: event.epoch }), 'kid'))
      .map(({ event }) => event.key)
    const isOldEpochAlive =
      this.#epochAt > 0 &&
      this.#epochAt <= knownUntil &&
      !this.replica.isRevoked(userClaims({ sid: 'none', ep: this.#head.epoch - 1 }), 'kid')
    if (isOldEpochAlive) wrong.push('a token of an older epoch')
    const { position } = this.replica
    const isBeyond = position.epoch === this.#head.epoch && position.seq > this.#head.seq
    if (isBeyond && !this.#isForged) wrong.push('a position beyond the head')
    return wrong
  }

  /** Whether it knows all there is. */
  isCaughtUp(): boolean {
    return (
      this.replica.age() < 500 + Math.abs(this.#turned) &&
      this.replica.position.epoch === this.#head.epoch &&
      this.replica.position.seq === this.#head.seq
    )
  }

  #commit(key: string): void {
    const at = this.clock.monotonic()
    const seq = this.#head.seq + 1
    const keep_until = Math.ceil(this.clock.now() - this.#turned + KEPT_MS)
    this.#committed.push({ event: event(seq, key, { epoch: this.#head.epoch, keep_until }), at })
    this.#head = { ...this.#head, seq }
  }

  /** The log of the new epoch is empty. */
  #raise(): void {
    this.#head = { epoch: this.#head.epoch + 1, seq: this.#head.seq, base: this.#head.seq }
    this.#epochAt = this.clock.monotonic()
  }

  /** A standby takes over that lacks the newest commits. Those that Redis has are made again in a new epoch. */
  #promote(missing: number): void {
    const first = Math.max(0, this.#committed.length - missing)
    const lost = this.#committed.splice(first).map(({ event }) => event)
    const seq = lost[0] ? lost[0].seq - 1 : this.#head.seq
    this.#head = { ...this.#head, seq }
    this.#raise()
    const inRedis = new Set(this.#log.map(([id]) => id))
    for (const event of lost) if (inRedis.has(formatPosition(event))) this.#commit(event.key)
  }

  #prune(): void {
    const now = this.clock.now() - this.#turned
    const dropped = this.#committed.findLast(({ event }) => event.keep_until <= now)
    this.#head = { ...this.#head, base: Math.max(this.#head.base, dropped?.event.seq ?? 0) }
  }

  #kept(): Entry[] {
    const events = this.#committed
      .map(({ event }) => event)
      .filter(({ epoch, seq }) => epoch === this.#head.epoch && seq > this.#head.base)
    return events.map((event) => [formatPosition(event), logFields(event)])
  }

  /** Redis takes no id that is not greater than the last. */
  #foreign(id: string, fields: string[]): void {
    if (isLater(id, this.#log.at(-1)?.[0] ?? '0-0')) this.#log.push([id, fields])
  }

  #beat(fields: string[] | undefined): void {
    if (fields) this.#beats.push([`${++this.#beatCount}-0`, fields])
  }
}

function logFields(event: RevocationEvent): string[] {
  return [EVENT_FIELD, formatEvent(event)]
}

function beatFields(head: Head, marks: Record<string, string>): string[] {
  return Object.entries({ ...head, marks: JSON.stringify(marks) })
    .flat()
    .map(String)
}

function isLater(a: string, b: string): boolean {
  const [epochA = 0, seqA = 0] = a.split('-').map(Number)
  const [epochB = 0, seqB = 0] = b.split('-').map(Number)
  return epochA > epochB || (epochA === epochB && seqA > seqB)
}
