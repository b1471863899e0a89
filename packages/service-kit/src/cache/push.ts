import type { Redis } from 'ioredis'

const PING_INTERVAL_MS = 40

export interface PushOptions {
  /** A client of its own: it subscribes. */
  readonly client: Redis
  readonly channel: string
  readonly onMessage: (message: string) => void
  /** Messages may have been missed: nothing that was learnt before counts any more. */
  readonly onGap: () => void
  readonly now: () => number
}

/**
 * Messages of other instances, and how old their silence is. Redis answers a PING on the subscribed connection
 * after all that was published before, so what was published until the last answered PING was sent has arrived.
 */
export class Push {
  readonly #options: PushOptions
  readonly #timer: NodeJS.Timeout
  #heardOf = -Infinity
  #since = Infinity
  #subscribed = false
  #pinging = false

  constructor(options: PushOptions) {
    this.#options = options
    const { client, channel, onMessage } = options
    client.on('ready', () => void this.#subscribe())
    if (client.status === 'ready') void this.#subscribe()
    client.on('close', () => this.#lose())
    client.on('message', (from: string, message: string) => {
      if (from === channel) onMessage(message)
    })
    this.#timer = setInterval(() => void this.#ping(), PING_INTERVAL_MS).unref()
  }

  /** Everything that was published longer ago than so many ms has arrived; Infinity without a connection. */
  age(): number {
    return this.#options.now() - this.#heardOf
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
      await this.#ping()
    } catch {
      this.#options.client.disconnect(true)
    }
  }

  async #ping(): Promise<void> {
    if (!this.#subscribed || this.#pinging) return
    this.#pinging = true
    const sent = this.#options.now()
    try {
      await this.#options.client.ping()
      if (this.#subscribed) this.#heardOf = sent
    } catch {
      // The connection says so itself when it is lost; until then the next PING is tried.
      this.#since = this.#options.now()
    } finally {
      this.#pinging = false
    }
  }

  #lose(): void {
    this.#subscribed = false
    this.#heardOf = -Infinity
    this.#since = Infinity
  }
}
