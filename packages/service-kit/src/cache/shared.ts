import { randomBytes } from 'node:crypto'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { RedisClient } from '@portcullis/token-verifier/redis'

/** After a failure Redis is not asked for so long, in ms. */
const PAUSE_MS = 1000
/** Longer values stay out of Redis, in characters. */
const MAX_VALUE_LENGTH = 256 * 1024

/** The id of the server's process, the entry, and the versions of its topics; without one they get the one offered. */
const READ = `
local answer = { string.match(redis.call('INFO', 'server'), 'run_id:(%w+)'), redis.call('GET', KEYS[1]) }
for i = 2, #KEYS do
  local version = redis.call('GET', KEYS[i])
  if not version then
    version = ARGV[1]
    redis.call('SET', KEYS[i], version, 'PX', ARGV[2])
  end
  answer[i + 1] = version
end
return answer`

/** Gives the topics a new version, and tells every instance. */
const RAISE = `
for i = 1, #KEYS do redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[2]) end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1`

const readAnswer = Compile(
  Type.Tuple([
    Type.String(),
    Type.Union([Type.String(), Type.Null()]),
    Type.String(),
    Type.String(),
    Type.String(),
  ]),
)

export interface SharedOptions {
  readonly redis: RedisClient
  /** Begins every key. */
  readonly prefix: string
  readonly channel: string
  readonly ttlMs: number
  readonly now: () => number
}

export interface Read {
  readonly value: string | undefined
  /** Of the topics, before the value was read; to be given to `write`. */
  readonly stamp: string
}

/**
 * The tier in Redis. A value is stored with the versions that its topics had before it was made, and counts while
 * they still have them, so a value from before a change never comes back after it. Versions are never used twice,
 * and the id of the server's process is one of them: what a restarted or promoted server remembers of earlier days
 * does not count.
 */
export class SharedTier {
  readonly #options: SharedOptions
  readonly #id = randomBytes(9).toString('base64url')
  #versions = 0
  #pausedUntil = -Infinity

  constructor(options: SharedOptions) {
    this.#options = options
  }

  /** Names this instance in messages. */
  get id(): string {
    return this.#id
  }

  get isUsable(): boolean {
    return this.#options.redis.status === 'ready' && this.#options.now() >= this.#pausedUntil
  }

  /** Undefined if Redis does not answer. Three topics are read at once; `topics` has just as many. */
  async read(topics: readonly [string, string, string], key: string): Promise<Read | undefined> {
    if (!this.isUsable) return undefined
    const { prefix } = this.#options
    const keys = [`${prefix}e:${key}`, ...topics.map((topic) => `${prefix}v:${topic}`)]
    const answer = await this.#run(READ, keys, [this.#newVersion(), this.#versionTtl()])
    if (!readAnswer.Check(answer)) return undefined
    const [server, entry, ...versions] = answer
    const stamp = `${[server, ...versions].join()}\n`
    return { value: entry?.startsWith(stamp) === true ? entry.slice(stamp.length) : undefined, stamp }
  }

  /** Puts the value where `read` finds it; nothing waits for it. */
  write(key: string, stamp: string, value: string): void {
    if (value.length > MAX_VALUE_LENGTH) return
    const { redis, prefix, ttlMs } = this.#options
    redis.set(`${prefix}e:${key}`, stamp + value, 'PX', ttlMs).catch(() => this.#pause())
  }

  /** False if Redis could not be told. */
  async raise(topics: readonly string[]): Promise<boolean> {
    if (!this.isUsable) return false
    const { prefix } = this.#options
    const keys = topics.map((topic) => `${prefix}v:${topic}`)
    const message = JSON.stringify([this.#id, ...topics])
    const answer = await this.#run(RAISE, keys, [
      this.#newVersion(),
      this.#versionTtl(),
      this.#options.channel,
      message,
    ])
    return answer === 1
  }

  async #run(script: string, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await this.#options.redis.eval(script, keys.length, ...keys, ...args)
    } catch {
      this.#pause()
      return undefined
    }
  }

  #pause(): void {
    this.#pausedUntil = this.#options.now() + PAUSE_MS
  }

  #newVersion(): string {
    this.#versions += 1
    return `${this.#id}.${this.#versions}`
  }

  /** Longer than any entry lives, so that no entry outlives its versions. */
  #versionTtl(): number {
    return this.#options.ttlMs * 10
  }
}
