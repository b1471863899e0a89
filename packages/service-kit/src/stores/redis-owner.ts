import { Redis, type Cluster, type RedisOptions } from 'ioredis'
import { ServerConnector, type RedisClientOptions } from '@portcullis/token-verifier/redis'

/** A client of the node of the Cluster that holds the key, each time that it connects. */
export function createOwner(cluster: Cluster, key: string, options: RedisClientOptions): Redis {
  const { username, password, tls } = cluster.options.redisOptions ?? {}
  return new Redis({
    ...options,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
    Connector: connectorTo(cluster, key),
  })
}

function connectorTo(cluster: Cluster, key: string): NonNullable<RedisOptions['Connector']> {
  return class OwnerConnector extends ServerConnector {
    override async connect(emit: Parameters<ServerConnector['connect']>[0]) {
      this.connecting = true
      const node = await findOwner(cluster, key)
      if (!this.connecting) throw new Error('Connection is closed.')
      this.options = { ...this.options, ...node }
      return super.connect(emit)
    }
  }
}

async function findOwner(cluster: Cluster, key: string): Promise<{ host: string; port: number }> {
  await new Promise<void>((resolve, reject) => {
    cluster.refreshSlotsCache((error) => (error ? reject(error) : resolve()))
  })
  const slot: unknown = await cluster.cluster('KEYSLOT', key)
  const [, host, port] = /^(.*):(\d+)$/.exec(cluster.slots[Number(slot)]?.[0] ?? '') ?? []
  if (host === undefined) throw new Error('no node of the Cluster has the key')
  return { host, port: Number(port) }
}
