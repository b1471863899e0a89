import type { Redis } from 'ioredis'

interface Log {
  warn(fields: object, message: string): void
}

/**
 * Says in the log if this Redis may throw keys away when its memory is full: a program that looks revocations up
 * by key would then take dead tokens for good ones.
 */
export async function warnOfEviction(redis: Redis, log: Log): Promise<void> {
  const memory = await redis.info('memory').catch(() => '')
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1]
  if (policy !== undefined && policy !== 'noeviction')
    log.warn({ policy }, 'the redis of the revocation log needs maxmemory-policy noeviction')
}
