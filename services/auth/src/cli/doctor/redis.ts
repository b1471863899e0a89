import { Cluster, type Redis } from 'ioredis'
import { connectRedis, untilRedisReady, type RedisClient } from '@portcullis/service-kit'
import { revocationKeys } from '@portcullis/schemas'
import { clockFinding } from './clock.ts'
import { Findings, reasonOf, type Finding } from './finding.ts'

export type RedisUse = 'cache' | 'revocation' | 'session'

const PATIENCE_MS = 2000
const LEAST_VERSION = 7
const LOCAL = /[@/](?:localhost|127\.0\.0\.1|\[::1\])(?:[:/?]|$)/
const WITH_PASSWORD = /^[^/]*\/\/[^@/]*:[^@/]+@/

/** What auth has to be allowed, tried on keys that nobody else uses. */
const TRIED: Readonly<Record<RedisUse, readonly (readonly [string, ...string[]])[]>> = {
  cache: [
    ['set', '{cache:auth}:doctor', '1', 'PX', '1'],
    ['eval', "return redis.call('PEXPIRE', KEYS[1], 1)", '1', '{cache:auth}:doctor'],
    ['eval', "return redis.call('HGET', KEYS[1], '')", '1', 'ratelimit:doctor'],
    ['zcard', 'login:doctor'],
    ['publish', 'cache:auth', '[]'],
  ],
  revocation: [
    ['xadd', '{revocations}:doctor', '*', 'kind', 'none'],
    ['xrange', '{revocations}:doctor', '-', '+'],
    ['del', '{revocations}:doctor'],
    ['eval', "return redis.call('GET', KEYS[1])", '1', revocationKeys.head],
    ['pttl', revocationKeys.head],
    ['hrandfield', revocationKeys.ack('doctor'), '1'],
  ],
  session: [
    ['hset', 'active:doctor', 'none', '1'],
    ['del', 'active:doctor'],
    ['scan', '0', 'MATCH', 'active:doctor'],
  ],
}

/** Looks at one of the Redis of auth: a server, that which Sentinels name, or a Cluster. */
export async function examineRedis(use: RedisUse, url: string): Promise<Finding[]> {
  const found = new Findings(`redis ${use}`)
  const redis = connectRedis(url, { name: 'portcullis doctor' })
  let lost: unknown
  redis.on('error', (error: unknown) => (lost = error))
  // A Cluster says of itself only that no node could be asked, and of a node at last that it is closed.
  let refused: Error | undefined
  if (redis instanceof Cluster)
    redis.on('node error', (error: Error) => {
      if (error.message !== 'Connection is closed.') refused ??= error
    })
  try {
    if (!(await untilRedisReady(redis, PATIENCE_MS))) throw new Error('it does not answer')
    const servers = redis instanceof Cluster ? redis.nodes('master') : [redis]
    const clocks: Finding[] = []
    for (const server of servers) clocks.push(await examineServer(found, server, use))
    await examineRights(found, redis, use, url)
    if (/DB index is out of range/.test(reasonOf(lost)))
      found.warning(
        'the server has no such logical database: what was meant for it goes to 0',
        'name one that it has, or set databases in its configuration; 0 if it has no other',
      )
    return [...found.all, ...clocks]
  } catch (error) {
    found.failed(
      `cannot be used: ${reasonOf(refused ?? lost ?? error)}`,
      `see whether Redis runs, and whether ${use.toUpperCase()}_REDIS_URL has its address, user and password; ` +
        'over TLS it begins with rediss, and NODE_EXTRA_CA_CERTS names who signed the certificate',
    )
    return found.all
  } finally {
    redis.disconnect()
  }
}

/** @returns what its clock shows */
async function examineServer(found: Findings, redis: Pick<Redis, 'info'>, use: RedisUse): Promise<Finding> {
  let info = ''
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim()
  const clock = await clockFinding(`clock of redis ${use}`, async () => {
    info = await redis.info()
    return Number(field('server_time_usec')) / 1000
  })
  const version = field('redis_version') ?? '?'
  if (Number.parseInt(version, 10) < LEAST_VERSION)
    found.failed(`version ${version} is too old`, 'Redis 7 or later, or Valkey, is needed')
  else found.ok(`version ${version}`)
  if (field('role') === 'slave')
    found.failed('the server is a replica, where nothing can be written', 'name the primary')
  if (use === 'revocation') examineMemory(found, field)
  return clock
}

function examineMemory(found: Findings, field: (name: string) => string | undefined): void {
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

async function examineRights(found: Findings, redis: RedisClient, use: RedisUse, url: string): Promise<void> {
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
      'give it the rights of the user auth in docs/operations.md',
    )
  else found.ok('the user may do what auth does')
  if (!WITH_PASSWORD.test(url) && !LOCAL.test(url))
    found.warning(
      'it takes commands from anybody who reaches it',
      'give it users with passwords; docs/operations.md has the least rights of each',
    )
}
