import { Redis, type RedisOptions } from 'ioredis'

interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface RedisConnection {
  /** Shown by `CLIENT LIST`, and in the log. */
  readonly name: string
  readonly log?: Log
  readonly options?: Omit<RedisOptions, 'replyMapping'>
}

/** The longest that a command on the way of a request may take, in milliseconds. */
const COMMAND_TIMEOUT_MS = 150

/**
 * A client for the way of requests: a command fails at once while Redis is away and after 150 ms if Redis does
 * not answer, instead of waiting for its return. Reconnects for good, and writes to the log when it is lost and
 * when it is back. Whoever made it disconnects it.
 */
export function connectRedis(url: string, { name, log, options }: RedisConnection): Redis {
  const client = new Redis(url, {
    connectionName: name,
    connectTimeout: 500,
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1000),
    ...options,
  })
  let lost = false
  client.on('error', (error: Error) => {
    if (lost) return
    lost = true
    log?.warn({ redis: name, reason: 'code' in error ? error.code : error.message }, 'redis is away')
  })
  client.on('ready', () => {
    if (lost) log?.info({ redis: name }, 'redis is back')
    lost = false
  })
  return client
}

/** Waits until the client is connected, at most so long; false if it is not by then. For the start of a service. */
export async function redisReady(client: Redis, timeoutMs = 1000): Promise<boolean> {
  if (client.status === 'ready') return true
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const onReady = () => resolve(true)
  const timer = setTimeout(() => resolve(false), timeoutMs)
  client.once('ready', onReady)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    client.off('ready', onReady)
  }
}
