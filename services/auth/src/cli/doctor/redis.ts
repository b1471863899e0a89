import type { Redis } from 'ioredis'
import { connectRedis } from '@portcullis/service-kit'
import { revocationKeys } from '@portcullis/schemas'
import { clockFinding } from './clock.ts'
import { Findings, reasonOf, type Finding } from './finding.ts'

export type RedisUse = 'cache' | 'revocation' | 'session'

const PATIENCE_MS = 1000
const LEAST_VERSION = 7

/** What auth has to be allowed, tried on a key that nobody else uses. */
const TRIED: Readonly<Record<RedisUse, readonly (readonly [string, ...string[]])[]>> = {
  cache: [
    ['set', 'cache:doctor', '1', 'PX', '1'],
    ['eval', "return redis.call('INCR', KEYS[1])", '1', 'ratelimit:doctor'],
    ['del', 'cache:doctor', 'ratelimit:doctor'],
    ['publish', 'cache:doctor', ''],
  ],
  revocation: [
    ['xadd', `${revocationKeys.log}:doctor`, '*', 'kind', 'none'],
    ['xrange', `${revocationKeys.log}:doctor`, '-', '+'],
    ['del', `${revocationKeys.log}:doctor`],
    ['eval', "return redis.call('GET', KEYS[1])", '1', revocationKeys.head],
    ['hgetall', revocationKeys.ack('doctor')],
  ],
  session: [
    ['hset', 'active:doctor', 'none', '1'],
    ['del', 'active:doctor'],
    ['scan', '0', 'MATCH', 'active:doctor'],
  ],
}

/** Looks at one of the Redis servers of auth. */
export async function examineRedis(use: RedisUse, url: string): Promise<Finding[]> {
  const found = new Findings(`redis ${use}`)
  const redis = connectRedis(url, {
    name: 'portcullis doctor',
    options: { commandTimeout: PATIENCE_MS, retryStrategy: () => null, lazyConnect: true },
  })
  let lost: unknown
  redis.on('error', (error) => (lost = error))
  try {
    await redis.connect()
    await examineServer(found, redis, use)
    await examineRights(found, redis, use, new URL(url))
    return [...found.all, await examineClock(redis, use)]
  } catch (error) {
    found.failed(
      `cannot be used: ${reasonOf(lost ?? error)}`,
      `see whether Redis runs, and whether ${use.toUpperCase()}_REDIS_URL has its address, user and password`,
    )
    return found.all
  } finally {
    redis.disconnect()
  }
}

async function examineServer(found: Findings, redis: Redis, use: RedisUse): Promise<void> {
  const info = await redis.info()
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim()
  const version = field('redis_version') ?? '?'
  if (Number.parseInt(version, 10) < LEAST_VERSION)
    found.failed(`version ${version} is too old`, 'Redis 7 or later, or Valkey, is needed')
  else found.ok(`version ${version}`)
  if (field('role') === 'slave')
    found.failed('the server is a replica, where nothing can be written', 'name the primary')
  if (use !== 'revocation') return
  const policy = field('maxmemory_policy') ?? 'unknown'
  if (policy === 'noeviction') found.ok('maxmemory-policy noeviction')
  else
    found.failed(
      `maxmemory-policy is ${policy}: programs that look revocations up by key may take dead tokens for good ones`,
      'set maxmemory-policy noeviction in its configuration',
    )
  if (field('aof_enabled') === '1') found.ok('append-only')
  else
    found.warning(
      'not append-only: after a restart it is empty until auth has written the log anew',
      'set appendonly yes in its configuration; nothing is lost without',
    )
}

async function examineRights(found: Findings, redis: Redis, use: RedisUse, url: URL): Promise<void> {
  const refused: string[] = []
  for (const [command, ...args] of TRIED[use])
    try {
      await redis.call(command, ...args)
    } catch (error) {
      refused.push(`${command} (${reasonOf(error)})`)
    }
  if (refused.length > 0)
    found.failed(
      `the user may not do what auth does: ${refused.join('; ')}`,
      'give it the rights of the user auth in infra/compose/secrets.ts',
    )
  else found.ok('the user may do what auth does')
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url.password === '' && !isLocal)
    found.warning(
      'it takes commands from anybody who reaches it',
      'give it users with passwords (ACL), as infra/compose/secrets.ts does',
    )
}

async function examineClock(redis: Redis, use: RedisUse): Promise<Finding> {
  return clockFinding(`clock of redis ${use}`, async () => {
    const [seconds = 0, microseconds = 0] = await redis.time()
    return seconds * 1000 + microseconds / 1000
  })
}
