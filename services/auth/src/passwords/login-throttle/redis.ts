import type { Result } from 'ioredis'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { RedisClient } from '@portcullis/service-kit'
import { ACCOUNT_WALL, KNOWN_MS, PAIR_WALL, type ThrottleState } from './decide.ts'
import {
  ATTEMPT_LIFE_MS,
  type Attempt,
  type AttemptKey,
  type AttemptResult,
  type ThrottleStore,
} from './store.ts'

/** KEYS: pair, its attempts under way, account, its attempts under way, known. ARGV: id, now, life of an attempt. */
const BEGIN = `
local function enter(underWay)
  redis.call('ZREMRANGEBYSCORE', underWay, '-inf', tonumber(ARGV[2]) - tonumber(ARGV[3]))
  redis.call('ZADD', underWay, ARGV[2], ARGV[1])
  redis.call('PEXPIRE', underWay, ARGV[3])
  return redis.call('ZCARD', underWay)
end
local known = redis.call('EXISTS', KEYS[5])
local answer = { known }
for i = 1, 3, 2 do
  local failures = redis.call('HMGET', KEYS[i], 'count', 'at')
  answer[#answer + 1] = tonumber(failures[1] or '0')
  answer[#answer + 1] = tonumber(failures[2] or '0')
  answer[#answer + 1] = (i == 3 and known == 1) and 0 or enter(KEYS[i + 1])
end
return answer
`

/** KEYS as above. ARGV: id, now, result, is the address known, life of a pair, of an account, of being known. */
const END = `
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
local function fail(key, life)
  redis.call('HINCRBY', key, 'count', 1)
  redis.call('HSET', key, 'at', ARGV[2])
  redis.call('PEXPIRE', key, life)
end
if ARGV[3] == 'succeeded' then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[5], '1', 'PX', ARGV[7])
elseif ARGV[3] == 'failed' then
  fail(KEYS[1], ARGV[5])
  if ARGV[4] == '0' then fail(KEYS[3], ARGV[6]) end
end
`

declare module 'ioredis' {
  interface RedisCommander<Context> {
    beginLoginAttempt(...args: (string | number)[]): Result<unknown, Context>
    endLoginAttempt(...args: (string | number)[]): Result<unknown, Context>
  }
}

const Count = Type.Number({ minimum: 0 })
const isAnswer = Compile(Type.Tuple([Count, Count, Count, Count, Count, Count, Count]))

/** Counts failures in Redis, for all instances together. Each method rejects at once while Redis is away. */
export class RedisThrottleStore implements ThrottleStore {
  readonly #redis: RedisClient

  constructor(redis: RedisClient) {
    this.#redis = redis
    redis.defineCommand('beginLoginAttempt', { numberOfKeys: 5, lua: BEGIN })
    redis.defineCommand('endLoginAttempt', { numberOfKeys: 5, lua: END })
  }

  async begin(key: AttemptKey, id: string, now: number): Promise<ThrottleState> {
    const answer = await this.#redis.beginLoginAttempt(...keysOf(key), id, now, ATTEMPT_LIFE_MS)
    if (!isAnswer.Check(answer)) throw new Error('beginLoginAttempt answered in another shape')
    const [known, ...numbers] = answer
    return {
      isKnownAddress: known === 1,
      pair: { count: numbers[0], lastAt: numbers[1], underWay: numbers[2] },
      account: { count: numbers[3], lastAt: numbers[4], underWay: numbers[5] },
    }
  }

  async end(attempt: Attempt, result: AttemptResult, now: number): Promise<void> {
    await this.#redis.endLoginAttempt(
      ...keysOf(attempt),
      attempt.id,
      now,
      result,
      attempt.isKnownAddress ? 1 : 0,
      PAIR_WALL.forgetMs,
      ACCOUNT_WALL.forgetMs,
      KNOWN_MS,
    )
  }
}

/** All of an account in one hash slot. */
function keysOf({ account, address }: AttemptKey): string[] {
  const prefix = `login:{${account}}`
  return [
    `${prefix}:from:${address}`,
    `${prefix}:from:${address}:now`,
    `${prefix}:all`,
    `${prefix}:all:now`,
    `${prefix}:known:${address}`,
  ]
}
