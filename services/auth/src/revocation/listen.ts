import pg from 'pg'
import { REVOCATION_CHANNEL } from '../database/transaction.ts'

const RETRY_MS = 1000

/**
 * Calls back whenever an instance of auth has committed to the log. A hint and no more: whoever is called also
 * looks by itself ten times a second, so that a lost connection costs time and nothing else.
 */
export class CommitListener {
  readonly #url: string
  readonly #onCommit: () => void
  #client: pg.Client | undefined
  #retry: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(url: string, onCommit: () => void) {
    this.#url = url
    this.#onCommit = onCommit
  }

  start(): void {
    void this.#connect()
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
    client.on('notification', this.#onCommit)
    try {
      await client.connect()
      await client.query(`listen ${REVOCATION_CHANNEL}`)
    } catch {
      await client.end().catch(() => undefined)
      again()
    }
  }
}
