import type { Redis } from 'ioredis'

const ASK_INTERVAL_MS = 40

export interface PushOptions {
  /** A client of its own: it subscribes. */
  readonly client: Redis
  readonly channel: string
  /** Any key of the server on which it is published. */
  readonly key: string
  readonly onMessage: (message: string) => void
  /** Messages may have been missed: nothing that was learnt before counts any more. */
  readonly onGap: () => void
  /** Redis is not asked any more when nobody has wanted to know for so long, in ms. */
  readonly restMs: number
  readonly now: () => number
}

/**
 * Messages of other instances, and how old their silence is. Redis answers a question on the subscribed connection
 * after all that was published before, so what was published until the last answered one was asked has arrived. It is
 * asked for a key, since a node of a Cluster answers that only as long as it has the key, and what is published with it.
 */
export class Push {
  readonly #options: PushOptions
  readonly #timer: NodeJS.Timeout
  #heardOf = -Infinity
  #since = Infinity
  #wantedAt = -Infinity
  #subscribed = false
  #isAsking = false

  constructor(options: PushOptions) {
    this.#options = options
    const { client, channel, onMessage } = options
    client.on('ready', () => void this.#subscribe())
    if (client.status === 'ready') void this.#subscribe()
    client.on('close', () => this.#lose())
    client.on('message', (from: string, message: string) => {
      if (from === channel) onMessage(message)
    })
    this.#timer = setInterval(() => void this.#ask(), ASK_INTERVAL_MS).unref()
  }

  /**
   * Everything that was published longer ago than so many ms has arrived; Infinity without a connection. Redis is asked
   * only while this is called; the first call after a rest gets a great age and starts the asking again.
   */
  age(): number {
    const now = this.#options.now()
    const isAtRest = this.#isAtRest(now)
    this.#wantedAt = now
    if (isAtRest) void this.#ask()
    return now - this.#heardOf
  }

  /** For how many ms messages have been arriving without a gap. */
  uptime(): number {
    return this.#options.now() - this.#since
  }

  close(): void {
    clearInterval(this.#timer)
    this.#lose()
    this.#options.client.disconnect()
  }

  async #subscribe(): Promise<void> {
    try {
      await this.#options.client.subscribe(this.#options.channel)
      this.#options.onGap()
      this.#subscribed = true
      this.#since = this.#options.now()
      this.#wantedAt = this.#since
      await this.#ask()
    } catch {
      this.#options.client.disconnect(true)
    }
  }

  async #ask(): Promise<void> {
    const sent = this.#options.now()
    if (!this.#subscribed || this.#isAsking || this.#isAtRest(sent)) return
    this.#isAsking = true
    try {
      await this.#options.client.exists(this.#options.key)
      if (this.#subscribed) this.#heardOf = sent
    } catch {
      // The connection says so itself when it is lost; until then it is asked again.
      if (this.#subscribed) this.#since = this.#options.now()
    } finally {
      this.#isAsking = false
    }
  }

  #isAtRest(now: number): boolean {
    return now - this.#wantedAt >= this.#options.restMs
  }

  #lose(): void {
    this.#subscribed = false
    this.#heardOf = -Infinity
    this.#since = Infinity
  }
}
