import { setTimeout as delay } from 'node:timers/promises'
import { revocationKeys } from '@portcullis/schemas'
import type { Clock } from '../clock.ts'
import type { Member } from '../replica/member.ts'
import type { LogReader } from '../replica/reader.ts'
import type { Replica } from '../replica/replica.ts'
import { readLastId, readReply, type Read } from './entries.ts'
import { reportApplied, type Observer } from './observer.ts'
import { backoffMs, within } from './within.ts'

const BLOCK_MS = 200
/** How much longer than asked for a blocking read may take before its client is thrown away. */
const OVERSTAY_MS = 400
const CONNECT_MS = 1000
const ACK_MS = 250
/** Without a beat for so long the connection may lead to a server that the writer has left. */
const SILENT_MS = 1000
const COUNT = 2000
const FIRST_RETRY_MS = 20
const LONGEST_RETRY_MS = 250
const RELOAD_PAUSE_MS = 100

/** The part of an ioredis `Redis` or `Cluster` that is used: new, not yet connected, without retries of its own. */
export interface RedisClient {
  connect(): Promise<unknown>
  disconnect(): void
  call(command: string, ...args: (string | number)[]): Promise<unknown>
  on(event: 'error', listener: (error: unknown) => void): unknown
}

export interface RedisFollowerOptions {
  /** A new client for each attempt, since what blocks on a broken connection never settles. */
  connect: () => RedisClient
  clientId: string
  member: Member
  replica: Replica
  clock: Clock
  observer: Observer
}

/**
 * Follows the log in Redis over one connection: each round sends an ack if one is due, and then reads log and
 * beat with one blocking XREAD. Its own pace is real time; the injected clock is for ages only.
 */
export class RedisFollower {
  readonly #options: RedisFollowerOptions
  readonly #reader: LogReader
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #saidFarewell = false
  #logId = '0-0'
  #attempts = 0
  #coveredAt = -Infinity
  /** When the log was last begun to be read from its front, and from when on that may be done again. */
  #reload = { since: -Infinity, next: -Infinity }

  constructor(options: RedisFollowerOptions) {
    this.#options = options
    this.#reader = options.replica.reader()
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** @returns whether the log's writer could be told. */
  async stop(): Promise<boolean> {
    this.#stopping.abort()
    await this.#running
    return this.#saidFarewell
  }

  /** Milliseconds since a head was last reached on this path. */
  silence(): number {
    return performance.now() - this.#coveredAt
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const client = this.#options.connect()
      // Every failure also rejects the command that meets it.
      client.on('error', () => undefined)
      try {
        await within(CONNECT_MS, client.connect())
        await this.#tail(client)
      } catch (error) {
        this.#options.observer.disconnected?.('redis', error)
      } finally {
        client.disconnect()
      }
      const wait = backoffMs(this.#attempts++, FIRST_RETRY_MS, LONGEST_RETRY_MS)
      await delay(wait, undefined, { signal }).catch(() => undefined)
    }
  }

  async #tail(client: RedisClient): Promise<void> {
    const last = await within(CONNECT_MS, client.call('XREVRANGE', revocationKeys.beat, '+', '-', 'COUNT', 1))
    let beatId = readLastId(last)
    let heardAt = performance.now()
    let ackedAt = -Infinity
    while (!this.#stopping.signal.aborted) {
      const now = performance.now()
      if (now - heardAt > SILENT_MS) throw new Error('no beat')
      const due = now - ackedAt >= ACK_MS
      if (due) ackedAt = now
      const read = await this.#round(client, beatId, due)
      beatId = read.beatId ?? beatId
      if (read.beat) heardAt = performance.now()
      if (this.#take(read)) ackedAt = -Infinity
    }
    this.#options.member.leave()
    await within(CONNECT_MS, this.#ack(client))
    this.#saidFarewell = true
  }

  async #round(client: RedisClient, beatId: string, ack: boolean): Promise<Read> {
    const sent = ack ? this.#ack(client) : undefined
    const streams = ['STREAMS', revocationKeys.log, revocationKeys.beat, this.#logId, beatId]
    const read = client.call('XREAD', 'COUNT', COUNT, 'BLOCK', BLOCK_MS, ...streams)
    const [answer] = await within(BLOCK_MS + OVERSTAY_MS, Promise.all([read, sent]))
    return readReply(answer)
  }

  #ack(client: RedisClient): Promise<unknown> {
    const { clientId, member } = this.#options
    return client.call('HSET', revocationKeys.ack(clientId), member.name, JSON.stringify(member.ack()))
  }

  /** @returns whether an ack should be sent at once. */
  #take(read: Read): boolean {
    const { clientId, member } = this.#options
    this.#logId = read.logId ?? this.#logId
    const whole = this.#apply(read)
    // What is left unread would make a beat look as if it ran ahead of the log.
    const drained = read.logged < COUNT
    if (drained) this.#readToEnd()
    if (!whole && drained) this.#readAllAgain()
    if (!read.beat || !drained) return read.events.length > 0
    const { outcome, urgent } = member.hear(
      this.#reader,
      read.beat,
      read.beat.marks[`${clientId}/${member.name}`],
    )
    if (outcome === 'behind') this.#readAllAgain()
    if (outcome === 'covered') {
      this.#attempts = 0
      this.#coveredAt = performance.now()
    }
    return urgent || read.events.length > 0
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
    const now = performance.now()
    this.#reload.next = now + Math.max(RELOAD_PAUSE_MS, now - this.#reload.since)
  }

  /** Reads all again from the front, but not without pause: what is wrong with the log may take a while to mend. */
  #readAllAgain(): void {
    const now = performance.now()
    if (now < this.#reload.next) return
    this.#reload = { since: now, next: Infinity }
    this.#logId = '0-0'
    this.#reader.reload()
    this.#options.observer.reloading?.('redis')
  }
}
