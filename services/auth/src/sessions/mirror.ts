import type { Redis } from 'ioredis'
import type { Kysely } from 'kysely'
import type { DB } from '../database/tables.ts'
import { listEndedSince, listLiveSessions, type MirroredSession } from './queries.ts'

/** Set while the mirror is whole; when it is missing, Redis has lost what it held. */
const WHOLE = 'active:whole'
const BATCH = 500
/** A session that ended while its entry was on the way is taken out again afterwards. */
const OVERLAP_MS = 10_000

interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** Key of the hash that holds a user's live sessions: session id → JSON of generation, device and last use. */
export function activeKey(userId: string): string {
  return `active:${userId}`
}

/**
 * Shows in Redis which sessions are alive, for operators and other programs. Nothing here reads it for a
 * decision, so a write that fails is no error: what is missing is written again once Redis is back.
 */
export class SessionMirror {
  readonly #db: Kysely<DB>
  readonly #redis: Redis
  readonly #log: Log
  readonly #idleSeconds: number
  #isWhole = false
  #repair: Promise<void> | undefined

  constructor(db: Kysely<DB>, redis: Redis, log: Log, idleSeconds: number) {
    this.#db = db
    this.#redis = redis
    this.#log = log
    this.#idleSeconds = idleSeconds
  }

  async put(session: MirroredSession): Promise<void> {
    await this.#write([session])
  }

  async drop(userId: string, sessionIds: readonly string[]): Promise<void> {
    if (sessionIds.length === 0) return
    await this.#redis.hdel(activeKey(userId), ...sessionIds).catch(() => this.#lost())
  }

  async dropUser(userId: string): Promise<void> {
    await this.#redis.del(activeKey(userId)).catch(() => this.#lost())
  }

  /** Writes everything again if Redis has lost it. To be called now and then. */
  async repair(): Promise<void> {
    this.#repair ??= this.#rebuildIfLost().finally(() => (this.#repair = undefined))
    await this.#repair
  }

  /** Waits for the repair that is under way. */
  async stop(): Promise<void> {
    await this.#repair
  }

  async #rebuildIfLost(): Promise<void> {
    if (this.#redis.status !== 'ready') return this.#lost()
    try {
      if (this.#isWhole && (await this.#redis.exists(WHOLE)) === 1) return
      const startedAt = Date.now()
      let after: string | undefined
      let count = 0
      do {
        const batch = await listLiveSessions(this.#db, after, BATCH)
        await this.#write(batch)
        count += batch.length
        after = batch.length === BATCH ? batch.at(-1)?.id : undefined
      } while (after !== undefined)
      for (const ended of await listEndedSince(this.#db, new Date(startedAt - OVERLAP_MS)))
        await this.#redis.hdel(activeKey(ended.user_id), ended.id)
      await this.#redis.set(WHOLE, '1')
      this.#isWhole = true
      this.#log.info({ sessions: count }, 'mirror of sessions written')
    } catch (error) {
      this.#lost()
      this.#log.warn({ err: error }, 'mirror of sessions could not be written')
    }
  }

  async #write(sessions: readonly MirroredSession[]): Promise<void> {
    if (sessions.length === 0) return
    const pipeline = this.#redis.pipeline()
    for (const { id, user_id, ...shown } of sessions) {
      pipeline.hset(activeKey(user_id), id, JSON.stringify(shown))
      pipeline.expire(activeKey(user_id), this.#idleSeconds)
    }
    const results = await pipeline.exec().catch(() => null)
    if (!results || results.some(([error]) => error !== null)) this.#lost()
  }

  #lost(): void {
    this.#isWhole = false
  }
}
