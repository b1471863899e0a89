import { setTimeout as sleep } from 'node:timers/promises'
import { revocationKeys } from '@portcullis/schemas'
import { withFunctions } from '../options.ts'
import { withoutCommand } from '../redis/failure.ts'
import { backoffMs } from './backoff.ts'
import { readLastId, readReply, type Read } from './entries.ts'
import { COUNT, Tail, type TailOptions } from './tail.ts'
import { within } from './within.ts'

const BLOCK_MS = 200
/** How much longer than asked for a blocking read may take before its client is thrown away. */
const OVERSTAY_MS = 400
const CONNECT_MS = 1000
const ACK_MS = 250
/** Without a beat for so long the connection may lead to a server that the writer has left. */
const SILENT_MS = 1000
const FIRST_RETRY_MS = 20
const LONGEST_RETRY_MS = 250
const CLIENT_FUNCTIONS = ['connect', 'disconnect', 'call', 'on'] as const

/** The part of an ioredis `Redis` or `Cluster` that is used: new, not yet connected, without retries of its own. */
export interface FollowerClient {
  connect(): Promise<unknown>
  disconnect(): void
  call(command: string, ...args: (string | number)[]): Promise<unknown>
  on(event: 'error', listener: (error: unknown) => void): unknown
}

export interface RedisFollowerOptions extends TailOptions {
  /** A new client for each attempt, since what blocks on a broken connection never settles. */
  connect: () => FollowerClient
}

/**
 * Follows the log in Redis over one connection: each round sends an ack if one is due, and then reads log and
 * beat with one blocking XREAD. Its own pace is real time; the injected clock is for ages only.
 */
export class RedisFollower {
  readonly #options: RedisFollowerOptions
  readonly #tail: Tail
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #saidFarewell = false
  #attempts = 0

  constructor(options: RedisFollowerOptions) {
    this.#options = options
    this.#tail = new Tail(options)
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
    return this.#tail.silence()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      // Whatever a client or an observer of the application throws besides, ends this attempt and nothing else.
      await this.#attempt().catch(() => undefined)
      const wait = backoffMs(this.#attempts++, FIRST_RETRY_MS, LONGEST_RETRY_MS)
      await sleep(wait, undefined, { signal }).catch(() => undefined)
    }
  }

  async #attempt(): Promise<void> {
    let client: FollowerClient | undefined
    let reason: unknown
    try {
      client = clientOf(this.#options.connect())
      // What is rejected says most often only that the connection is closed, and this event why.
      client.on('error', (error) => (reason = error))
      await within(CONNECT_MS, client.connect())
      await this.#follow(client)
    } catch (error) {
      this.#options.observer.disconnected?.('redis', withoutCommand(reason ?? error))
    } finally {
      client?.disconnect()
    }
  }

  async #follow(client: FollowerClient): Promise<void> {
    const last = await within(CONNECT_MS, client.call('XREVRANGE', revocationKeys.beat, '+', '-', 'COUNT', 1))
    let beatId = readLastId(last)
    let heardAt = performance.now()
    let ackedAt = -Infinity
    let next: Promise<Read> | undefined
    while (!this.#stopping.signal.aborted) {
      const now = performance.now()
      if (now - heardAt > SILENT_MS) throw new Error('no beat')
      const due = !next && now - ackedAt >= ACK_MS
      if (due) ackedAt = now
      const read = await (next ?? this.#round(client, beatId, due))
      beatId = read.beatId ?? beatId
      // While this much is taken in, Redis can prepare the next.
      next = this.#tail.moveOn(read) ? this.#round(client, beatId, false) : undefined
      next?.catch(() => undefined)
      if (read.beat) heardAt = performance.now()
      const { isCovered, isUrgent } = this.#tail.take(read)
      if (isCovered) this.#attempts = 0
      if (isUrgent) ackedAt = -Infinity
    }
    this.#options.member.leave()
    await within(CONNECT_MS, this.#ack(client))
    this.#saidFarewell = true
  }

  async #round(client: FollowerClient, beatId: string, ack: boolean): Promise<Read> {
    const sent = ack ? this.#ack(client) : undefined
    const streams = ['STREAMS', revocationKeys.log, revocationKeys.beat, this.#tail.logId, beatId]
    const read = client.call('XREAD', 'COUNT', COUNT, 'BLOCK', BLOCK_MS, ...streams)
    const [answer] = await within(BLOCK_MS + OVERSTAY_MS, Promise.all([read, sent]))
    return readReply(answer)
  }

  #ack(client: FollowerClient): Promise<unknown> {
    const { clientId, member } = this.#options
    return client.call('HSET', revocationKeys.ack(clientId), member.name, JSON.stringify(member.ack()))
  }
}

/** @throws TypeError that names the option `redis`, the only one that can give anything else than a client */
function clientOf(made: FollowerClient): FollowerClient {
  // From JavaScript it may be an async function, of whose failure nobody else would hear.
  if (made instanceof Promise) made.catch(() => undefined)
  return withFunctions('redis()', made, CLIENT_FUNCTIONS)
}
