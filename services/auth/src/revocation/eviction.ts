import { primariesOf, type Log, type RedisClient } from '@portcullis/service-kit'

/**
 * Says in the log if this Redis may throw keys away when its memory is full: a program that looks revocations up
 * by key would then take dead tokens for good ones.
 */
export async function warnOfEviction(redis: RedisClient, log: Pick<Log, 'warn'>): Promise<void> {
  for (const server of primariesOf(redis)) {
    const memory = await server.info('memory').catch(() => '')
    const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1]
    if (policy === undefined || policy === 'noeviction') continue
    const { host, port } = server.options
    log.warn({ policy, host, port }, 'the redis of the revocation log needs maxmemory-policy noeviction')
  }
}
