import { setTimeout as sleep } from 'node:timers/promises'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Kysely } from 'kysely'
import { UserChangeSchema, UserChangesSchema, type UserChanges } from '@portcullis/schemas'
import { baseUrl, fetchJson, type ClientToken } from '@portcullis/token-verifier'
import type { DB } from '../database/tables.ts'
import { applyChanges, findChangesCursor, beginRound, resetChangesCursor } from './apply.ts'
import { purgeDeletedAuthors } from './purge.ts'

/** Auth holds a question without news for so long, in ms. */
const WAIT_MS = 500
const TIMEOUT_MS = 5000
/** Between two questions whose answers come at once and bring nothing. */
const PAUSE_MS = 50
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 5000
const SAY_AGAIN_MS = 60_000

const answers = Compile(Type.Object({ ...UserChangesSchema.properties, items: Type.Array(UserChangeSchema) }))

export interface FollowerOptions {
  readonly db: Kysely<DB>
  /** Base URL of auth. */
  readonly authUrl: string
  readonly token: Pick<ClientToken, 'get' | 'forget'>
  /** Called after a commit that readers can see. */
  readonly onVisible: () => Promise<void>
  readonly log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
}

/**
 * Follows the changes of users that auth tells: names of authors, and deletions, which take with them what the
 * user has written. Where it stands is in the database, together with what was applied, so each change is applied
 * at least once and in order, also those that came while this service was down.
 */
export class UserChangesFollower {
  readonly #options: FollowerOptions
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #followedAt = performance.now()

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  /** Milliseconds since an answer of auth was last applied here; before the first, since this was made. */
  age(): number {
    return performance.now() - this.#followedAt
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { log } = this.#options
    let retryMs = FIRST_RETRY_MS
    let said = { reason: '', at: -Infinity }
    while (!signal.aborted) {
      try {
        const isIdle = await this.step()
        this.#followedAt = performance.now()
        if (retryMs > FIRST_RETRY_MS) log.info({}, 'following user changes again')
        retryMs = FIRST_RETRY_MS
        if (isIdle) await sleep(PAUSE_MS, undefined, { signal })
      } catch (error) {
        if (signal.aborted) return
        // Again only with another reason, or after a while: meanwhile posts of deleted users stay.
        const now = performance.now()
        const reason = error instanceof Error ? error.message : ''
        if (reason !== said.reason || now - said.at > SAY_AGAIN_MS) {
          log.warn({ err: error }, 'user changes cannot be followed')
          said = { reason, at: now }
        }
        await sleep(retryMs, undefined, { signal }).catch(() => undefined)
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
      }
    }
  }

  /** Asks once and applies the answer. @returns whether there was nothing. @throws Error if a store or auth is away. */
  async step(): Promise<boolean> {
    const { db, onVisible } = this.#options
    const at = await findChangesCursor(db)
    const from = at.cursor === '' ? { cursor: '', told_round: await beginRound(db) } : at
    const answer = await this.#ask(from.cursor)
    if (answer === 'expired') {
      await resetChangesCursor(db, from.cursor)
      return false
    }
    const isVisible = await applyChanges(db, from, answer).catch(async (error: unknown) => {
      // It may have taken effect, and is not told again then.
      await onVisible()
      throw error
    })
    if (isVisible) await onVisible()
    const purged = await purgeDeletedAuthors(db)
    return answer.items.length === 0 && !answer.more && purged === 0
  }

  async #ask(after: string): Promise<UserChanges | 'expired'> {
    const { authUrl, token } = this.#options
    const { signal } = this.#stopping
    const query = new URLSearchParams({ after, wait: String(WAIT_MS) })
    const { status, body } = await fetchJson(`${baseUrl(authUrl)}/api/v1/users/changes?${query.toString()}`, {
      headers: { authorization: `Bearer ${await token.get(signal)}` },
      timeoutMs: TIMEOUT_MS,
      signal,
    })
    if (status === 410) return 'expired'
    if (status === 401) token.forget()
    if (status !== 200) throw new Error(`auth answered the question for changes with ${status}`)
    if (!answers.Check(body)) throw new Error('auth answered the question for changes in another shape')
    return body
  }
}
