import { createConnection } from 'node:net'
import { connect as createTlsConnection } from 'node:tls'
import { AbstractConnector, Redis, type Cluster, type RedisOptions } from 'ioredis'
import type { RedisClientOptions } from '@portcullis/token-verifier/redis'

/** Milliseconds for the end of a connection that is given up. */
const DISCONNECT_TIMEOUT_MS = 2000

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
  return class OwnerConnector extends AbstractConnector {
    constructor() {
      super(DISCONNECT_TIMEOUT_MS)
    }

    async connect() {
      this.connecting = true
      const node = await findOwner(cluster, key)
      if (!this.connecting) throw new Error('Connection is closed.')
      const tls = cluster.options.redisOptions?.tls
      this.stream = tls ? createTlsConnection({ ...node, ...tls }) : createConnection(node)
      this.stream.once('error', (error) => (this.firstError = error))
      return this.stream
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
