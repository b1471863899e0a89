import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, type ChainableCommander, type Redis } from 'ioredis'
import { createRedis, type RedisClient, type RedisClientOptions } from '@portcullis/token-verifier/redis'
import type { Log } from '../http/log.ts'
import { createOwner } from './redis-owner.ts'

export type { RedisClient } from '@portcullis/token-verifier/redis'

export interface RedisConnection {
  /** Shown by `CLIENT LIST`, and in the log. */
  readonly name: string
  readonly log?: Pick<Log, 'info' | 'warn'>
}

/** The longest that a command on the way of a request may take, in milliseconds. */
const COMMAND_TIMEOUT_MS = 150
/** A connection on which nothing has come for so long, though something was asked, leads nowhere. */
const SILENT_MS = 1000

const OPTIONS: RedisClientOptions = {
  connectTimeout: 500,
  commandTimeout: COMMAND_TIMEOUT_MS,
  socketTimeout: SILENT_MS,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1000),
  sentinelRetryStrategy: (attempt) => Math.min(50 * attempt, 1000),
  // It has become a replica: whoever is the primary now is found by connecting again. ioredis could also listen to the
  // Sentinels (`failoverDetector`), but a failover that it hears of while it connects anyway ends it for good (6.0.0).
  reconnectOnError: (error) => error.message.includes('READONLY'),
}

/**
 * A client for the way of requests: a command fails at once while Redis is away and after 150 ms if Redis does
 * not answer, instead of waiting for its return. Reconnects for good, and writes to the log when it is lost and
 * when it is back. Whoever made it disconnects it.
 *
 * @param url of one server, of Sentinels or of a Cluster
 */
export function connectRedis(url: string, { name, log }: RedisConnection): RedisClient {
  const client = createRedis(url, { ...OPTIONS, connectionName: name })
  reportLosses(client, name, log)
  if (client instanceof Cluster) {
    // A node would be connected to by its first command, and refuse all others meanwhile.
    client.on('+node', (node: Redis) => void node.connect().catch(() => undefined))
    client.on('-node', () => client.refreshSlotsCache())
  }
  return client
}

/**
 * A client that subscribes, to the very server on which scripts with this key run: what they publish has been said there
 * before whatever is asked there later. On a Cluster it goes where the key goes.
 *
 * @param redis a client of the same Redis
 */
export function connectSubscriber(redis: RedisClient, url: string, name: string, key: string): Redis {
  const options = {
    ...OPTIONS,
    connectionName: name,
    commandTimeout: 1000,
    autoResubscribe: false,
    reconnectOnError: (error: Error) => /READONLY|MOVED/.test(error.message),
  }
  const client = redis instanceof Cluster ? createOwner(redis, key, options) : createRedis(url, options)
  if (client instanceof Cluster) throw new Error('the URL is that of a Cluster, and the client is not')
  client.on('error', () => undefined)
  return client
}

function reportLosses(client: RedisClient, name: string, log: Pick<Log, 'info' | 'warn'> | undefined): void {
  let lost = false
  const lose = (error: Error) => {
    if (lost) return
    lost = true
    log?.warn({ redis: name, reason: 'code' in error ? error.code : error.message }, 'redis is away')
  }
  const find = () => {
    if (lost) log?.info({ redis: name }, 'redis is back')
    lost = false
  }
  client.on('error', lose)
  client.on('ready', find)
  if (client instanceof Cluster) {
    client.on('node error', lose)
    client.on('refresh', () => {
      if (isReady(client)) find()
    })
  }
}

/** Whether commands are taken: by every node that holds keys, if there are several. */
export function isReady(client: RedisClient): boolean {
  if (client.status !== 'ready' || !(client instanceof Cluster)) return client.status === 'ready'
  return client.nodes('master').every((node) => node.status === 'ready')
}

/** Calls back whenever a connection is lost, after which another server may answer. */
export function onLost(client: RedisClient, callback: () => void): void {
  client.on('close', callback)
  if (client instanceof Cluster) client.on('-node', callback)
}

/** Waits until the client is connected, at most so long; false if it is not by then. For the start of a service. */
export async function untilRedisReady(client: RedisClient, timeoutMs = 1000): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (!isReady(client)) {
    if (performance.now() >= deadline) return false
    await sleep(5)
  }
  return true
}

/**
 * Sends commands in one go, on a Cluster each to the node that has its keys. Never rejects; a Redis that is away fails
 * every one.
 *
 * @param add puts one command into the pipeline that it is given
 */
export async function sendAll<T>(
  redis: RedisClient,
  items: readonly T[],
  add: (pipeline: ChainableCommander, item: T) => unknown,
): Promise<[error: Error | null, result: unknown][]> {
  const groups = redis instanceof Cluster ? items.map((item) => [item]) : [items]
  const answers = groups.map(async (group): Promise<[error: Error | null, result: unknown][]> => {
    try {
      // A Cluster's pipeline would wait for it.
      if (redis.status !== 'ready') throw new Error('redis is away')
      const pipeline = redis.pipeline()
      for (const item of group) add(pipeline, item)
      const results = await pipeline.exec()
      if (results) return results
      throw new Error('no answer')
    } catch (error) {
      return group.map(() => [
        error instanceof Error ? error : new Error('failed', { cause: error }),
        undefined,
      ])
    }
  })
  return (await Promise.all(answers)).flat()
}

/** Every server that holds keys, for what each has to be asked by itself. */
export function primariesOf(redis: RedisClient): readonly Redis[] {
  return redis instanceof Cluster ? redis.nodes('master') : [redis]
}
