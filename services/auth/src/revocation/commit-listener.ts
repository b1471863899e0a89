import pg from 'pg'
import { CHANNELS } from '../database/channels.ts'

const RETRY_MS = 1000

/** What is called when an instance of auth has committed to one of the logs. */
export type OnCommit = Readonly<Record<keyof typeof CHANNELS, () => void>>

/**
 * Calls back whenever an instance of auth has committed to a log. A hint and no more: whoever is called also
 * looks by itself, so that a lost connection costs time and nothing else.
 */
export class CommitListener {
  readonly #url: string
  readonly #sender: string
  readonly #onCommit: OnCommit
  #client: pg.Client | undefined
  #retry: NodeJS.Timeout | undefined
  #isStopped = false

  /** @param sender of the revocations that this instance itself commits, of which it has nothing to learn */
  constructor(url: string, sender: string, onCommit: OnCommit) {
    this.#url = url
    this.#sender = sender
    this.#onCommit = onCommit
  }

  /** Resolves when it listens, or could not: then it tries again by itself. */
  async start(): Promise<void> {
    await this.#connect()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#retry)
    await this.#client?.end().catch(() => undefined)
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'portcullis-auth listener',
      connectionTimeoutMillis: 1000,
      keepAlive: true,
    })
    this.#client = client
    const again = () => {
      if (this.#isStopped || this.#client !== client) return
      this.#client = undefined
      this.#retry = setTimeout(() => void this.#connect(), RETRY_MS)
    }
    client.on('error', again)
    client.on('end', again)
    client.on('notification', ({ channel, payload }) => {
      if (channel === CHANNELS.revocations && payload !== this.#sender) this.#onCommit.revocations()
      if (channel === CHANNELS.userChanges) this.#onCommit.userChanges()
    })
    try {
      await client.connect()
      await client.query(`listen ${CHANNELS.revocations}; listen ${CHANNELS.userChanges}`)
    } catch {
      await client.end().catch(() => undefined)
      again()
    }
  }
}
