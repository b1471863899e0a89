import { Cluster, Redis, type Command, type RedisOptions } from 'ioredis'
import { ServerConnector } from './connector.ts'
import { PrimaryConnector } from './primary-connector.ts'
import { parseRedisUrl, type RedisPlace } from './url.ts'

/** A client of one server, of the primary that Sentinels know, or of a Cluster. */
export type RedisClient = Redis | Cluster

/** Longest wait for an answer of a Sentinel, or of a node of a Cluster that is asked who holds what, in ms. */
const ASK_TIMEOUT_MS = 300
/** How often a Cluster is asked who holds what, in ms. */
const SLOTS_EVERY_MS = 1000

/** What an own client may be given; the rest follows from the URL. */
export type RedisClientOptions = Omit<
  RedisOptions,
  'replyMapping' | 'host' | 'port' | 'path' | 'db' | 'sentinels'
>

/**
 * A process that was busy for longer than `commandTimeout` sees the end of that time before it reads what came meanwhile.
 * So it reads once more before a command fails: only a Redis that has not answered is slow.
 */
function readFirst(command: Command): Command {
  const { reject } = command
  command.reject = (error) => {
    if (error.message !== 'Command timed out') return reject(error)
    setImmediate(() => {
      if (!command.isSettled) reject(error)
    })
  }
  return command
}

class PatientRedis extends Redis {
  override sendCommand(...[command, ...where]: Parameters<Redis['sendCommand']>): unknown {
    return super.sendCommand(readFirst(command), ...where)
  }
}

/**
 * ioredis asks a Cluster for ever who holds what if it was just asking when it was disconnected. And of a node that could
 * not be asked it says only that the connection is closed.
 */
class PatientCluster extends Cluster {
  #isDisconnected = false
  /** Why a connection to a node failed, of the first that did since all were asked. */
  #reason: Error | undefined

  blame(error: Error, node: string): void {
    this.#reason ??= error
    this.emit('node error', error, node)
  }

  override disconnect(reconnect = false): void {
    this.#isDisconnected ||= !reconnect
    super.disconnect(reconnect)
  }

  override sendCommand(...[command, ...where]: Parameters<Cluster['sendCommand']>): unknown {
    return super.sendCommand(readFirst(command), ...where)
  }

  override refreshSlotsCache(...[done]: Parameters<Cluster['refreshSlotsCache']>): void {
    if (this.#isDisconnected) return
    super.refreshSlotsCache((error) => {
      if (error && 'lastNodeError' in error) error.lastNodeError = this.#reason ?? error.lastNodeError
      this.#reason = undefined
      done?.(error)
    })
  }
}

/**
 * A client for what the URL names, see `parseRedisUrl`.
 *
 * On a Cluster `retryStrategy` is that of the whole, `enableOfflineQueue` holds for it, and nothing is sent a second
 * time by the client itself.
 *
 * @throws TypeError if the URL is wrong.
 */
export function createRedis(url: string, options: RedisClientOptions = {}): RedisClient {
  const place = parseRedisUrl(url)
  if (place.kind === 'server') return new PatientRedis(url, { Connector: ServerConnector, ...options })
  return place.kind === 'sentinel' ? behindSentinels(place, options) : clusterOf(place, options)
}

function credentialsOf({ username, password, tls }: RedisPlace) {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
  }
}

function behindSentinels(place: RedisPlace & { kind: 'sentinel' }, options: RedisClientOptions): Redis {
  const { sentinelUsername, sentinelPassword } = place
  return new PatientRedis({
    sentinelCommandTimeout: ASK_TIMEOUT_MS,
    Connector: PrimaryConnector,
    ...options,
    ...credentialsOf(place),
    ...(place.tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
    ...(sentinelUsername !== undefined && { sentinelUsername }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    sentinels: [...place.nodes],
    name: place.name,
    db: place.db,
  })
}

function clusterOf(place: RedisPlace & { kind: 'cluster' }, options: RedisClientOptions): Cluster {
  const { lazyConnect, enableOfflineQueue, enableReadyCheck, retryStrategy, ...redisOptions } = options
  let cluster: PatientCluster | undefined
  class NodeConnector extends ServerConnector {
    protected override fail(error: Error): void {
      super.fail(error)
      const { host, port } = this.options
      cluster?.blame(error, `${host}:${port}`)
    }
  }
  cluster = new PatientCluster([...place.nodes], {
    ...(lazyConnect !== undefined && { lazyConnect }),
    ...(enableOfflineQueue !== undefined && { enableOfflineQueue }),
    ...(enableReadyCheck !== undefined && { enableReadyCheck }),
    ...(retryStrategy !== undefined && { clusterRetryStrategy: retryStrategy }),
    // Whoever asks is told at once that a node is away, and asks again when it likes.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshTimeout: ASK_TIMEOUT_MS,
    slotsRefreshInterval: SLOTS_EVERY_MS,
    // A certificate is for a name.
    ...(place.tls && { dnsLookup: (address, callback) => callback(null, address) }),
    redisOptions: {
      Connector: NodeConnector,
      ...redisOptions,
      ...(enableReadyCheck !== undefined && { enableReadyCheck }),
      ...credentialsOf(place),
    },
  })
  return cluster
}
