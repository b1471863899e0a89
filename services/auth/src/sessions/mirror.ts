import type { ChainableCommander, Result } from 'ioredis'
import type { Kysely } from 'kysely'
import { isReady, onLost, primariesOf, sendAll, type Log, type RedisClient } from '@portcullis/service-kit'
import type { DB } from '../database/tables.ts'
import { listLiveSessionIds, listLiveSessions, type MirroredSession } from './queries.ts'

/** A session to be shown, or to be taken out. */
type Change =
  { readonly live: MirroredSession } | { readonly ended: { readonly id: string; readonly user_id: string } }

/** Set while the mirror is whole; when it is missing, Redis has lost what it held. */
const WHOLE = 'mirror:whole'
const PREFIX = 'active:'
const BATCH = 500
const UUID = /^[0-9a-f-]{36}$/
/** How long a late write for an ended session is refused. */
const ENDED_MS = 60_000
/** How often entries are looked for whose sessions have expired, or ended while Redis could not be told. */
const SWEEP_EVERY_MS = 600_000

/**
 * Shows a session, unless it has ended meanwhile or a newer generation is shown.
 *
 * KEYS: the user's hash, the mark of the ended session. ARGV: session id, generation, entry, seconds to live.
 */
const PUT = `
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local shown = redis.call('HGET', KEYS[1], ARGV[1])
if shown then
  local ok, entry = pcall(cjson.decode, shown)
  if ok and type(entry) == 'table' and (tonumber(entry.gen) or 0) > tonumber(ARGV[2]) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1`

declare module 'ioredis' {
  interface RedisCommander<Context> {
    putSession(
      active: string,
      ended: string,
      id: string,
      gen: number,
      entry: string,
      ttl: number,
    ): Result<number, Context>
  }
}

/** Key of the hash that holds a user's live sessions: session id → JSON of generation, device, last use and end. */
function activeKey(userId: string): string {
  return PREFIX + userId
}

/** In the same slot of a Cluster as the user's hash. */
function endedKey(userId: string, sessionId: string): string {
  return `{${activeKey(userId)}}:ended:${sessionId}`
}

function addDrop(pipeline: ChainableCommander, userId: string, sessionId: string): void {
  pipeline.hdel(activeKey(userId), sessionId).set(endedKey(userId, sessionId), '', 'PX', ENDED_MS)
}

/** Takes sessions out that have ended. What Redis cannot be told the next sweep finds. */
export async function dropSessions(
  redis: RedisClient,
  userId: string,
  sessionIds: readonly string[],
): Promise<void> {
  await sendAll(redis, sessionIds, (pipeline, id) => addDrop(pipeline, userId, id))
}

/**
 * Shows in Redis which sessions are alive, for operators and other programs. Nothing here reads it for a
 * decision, so a write that fails is no error: what is missing is written again once Redis is back.
 */
export class SessionMirror {
  readonly #db: Kysely<DB>
  readonly #redis: RedisClient
  readonly #log: Pick<Log, 'info' | 'warn'>
  readonly #idleSeconds: number
  #isWhole = false
  #sweptAt = 0
  #repair: Promise<void> | undefined
  readonly #waiting: Change[] = []
  #next: Promise<void> | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(db: Kysely<DB>, redis: RedisClient, log: Pick<Log, 'info' | 'warn'>, idleSeconds: number) {
    this.#db = db
    this.#redis = redis
    this.#log = log
    this.#idleSeconds = idleSeconds
    redis.defineCommand('putSession', { lua: PUT, numberOfKeys: 2 })
    // The server that is found next may be another one, which has not heard all of it.
    onLost(redis, () => (this.#isWhole = false))
  }

  /** Shows a session that was opened or has a new pair. */
  put(session: MirroredSession): Promise<void> {
    return this.#change([{ live: session }])
  }

  /** Takes sessions out that have ended. */
  async drop(userId: string, sessionIds: readonly string[]): Promise<void> {
    if (sessionIds.length > 0)
      await this.#change(sessionIds.map((id) => ({ ended: { id, user_id: userId } })))
  }

  /** What comes while others are written is written with the next, in the order in which it came. */
  #change(changes: readonly Change[]): Promise<void> {
    this.#waiting.push(...changes)
    this.#next ??= this.#writing.then(() => {
      const batch = this.#waiting.splice(0)
      this.#next = undefined
      this.#writing = this.#write(batch)
      return this.#writing
    })
    return this.#next
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
    if (!isReady(this.#redis)) {
      this.#isWhole = false
      return
    }
    try {
      const isWhole = this.#isWhole && (await this.#redis.exists(WHOLE)) === 1
      if (isWhole && performance.now() - this.#sweptAt < SWEEP_EVERY_MS) return
      this.#isWhole = true
      if (!isWhole) this.#log.info({ sessions: await this.#writeAll() }, 'mirror of sessions written')
      await this.#sweep()
      if (this.#isWhole) await this.#redis.set(WHOLE, '1')
    } catch (error) {
      this.#isWhole = false
      this.#log.warn({ err: error }, 'mirror of sessions could not be written')
    }
  }

  async #writeAll(): Promise<number> {
    let count = 0
    for (let after: string | undefined, isMore = true; isMore;) {
      const batch = await listLiveSessions(this.#db, after, BATCH)
      await this.#write(batch.map((live) => ({ live })))
      count += batch.length
      after = batch.at(-1)?.id
      isMore = batch.length === BATCH
    }
    return count
  }

  /** Takes out what is not alive. Entries are read before the database, which then knows of all of them. */
  async #sweep(): Promise<void> {
    for (const server of primariesOf(this.#redis))
      for (let cursor = '0', isMore = true; isMore; isMore = cursor !== '0') {
        const [next, keys] = await server.scan(cursor, 'MATCH', `${PREFIX}*`, 'COUNT', BATCH)
        cursor = next
        await this.#sweepUsers(keys.map((key) => key.slice(PREFIX.length)).filter((id) => UUID.test(id)))
      }
    this.#sweptAt = performance.now()
  }

  async #sweepUsers(userIds: readonly string[]): Promise<void> {
    if (userIds.length === 0) return
    const shown = await Promise.all(userIds.map((id) => this.#redis.hkeys(activeKey(id))))
    const live = await listLiveSessionIds(this.#db, userIds)
    for (const [index, userId] of userIds.entries()) {
      const stale = shown[index]?.filter((id) => !live.has(id)) ?? []
      if (stale.length > 0) await this.#redis.hdel(activeKey(userId), ...stale)
    }
  }

  async #write(changes: readonly Change[]): Promise<void> {
    const results = await sendAll(this.#redis, changes, (pipeline, change) => {
      if ('ended' in change) {
        addDrop(pipeline, change.ended.user_id, change.ended.id)
        return
      }
      const { id, user_id, gen, ip, user_agent, last_used_at, expires_at } = change.live
      const entry = JSON.stringify({ gen, ip, user_agent, last_used_at, expires_at })
      pipeline.putSession(activeKey(user_id), endedKey(user_id, id), id, gen, entry, this.#idleSeconds)
    })
    if (results.some(([error]) => error !== null)) this.#isWhole = false
  }
}
