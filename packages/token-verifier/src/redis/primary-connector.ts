import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { optionsOf, ServerConnector } from './connector.ts'
import type { RedisNode } from './url.ts'

/**
 * Connects to the primary that Sentinels name, one after the other until one can be asked.
 *
 * Unlike that of ioredis it tells why they cannot be asked, and its clients of the Sentinels have a connector that hears
 * every error.
 */
export class PrimaryConnector extends ServerConnector {
  /** Those of the URL, and those that they know; by host and port. The next to ask is the first. */
  readonly #sentinels = new Map<string, RedisNode>()

  constructor(given: unknown) {
    super(given)
    for (const { host, port } of optionsOf(given).sentinels ?? [])
      if (host !== undefined && port !== undefined) this.#add({ host, port })
  }

  override async connect(emit: Parameters<ServerConnector['connect']>[0]) {
    this.connecting = true
    const primary = await this.#find((error) => emit('error', error))
    this.options = { ...this.options, ...primary }
    return super.connect(emit)
  }

  /** Whether it is what the Sentinel took it for; if not, another is asked next. */
  override check(info: { role?: string }): boolean {
    return info.role === undefined || info.role === 'master'
  }

  #add(node: RedisNode): void {
    this.#sentinels.set(`${node.host}:${node.port}`, node)
  }

  async #find(onError: (error: Error) => void): Promise<RedisNode> {
    for (let attempt = 1; ; attempt++) {
      let reason: unknown
      for (const [key, node] of Array.from(this.#sentinels)) {
        // Is last from now on.
        this.#sentinels.delete(key)
        this.#add(node)
        const primary = await this.#ask(node).catch((error: unknown) => {
          reason = error
        })
        if (!this.connecting) throw new Error('Connection is closed.')
        if (primary) return primary
      }
      const message = reason instanceof Error ? reason.message : 'there are none'
      const error = new Error(`No Sentinel names the primary: ${message}`, { cause: reason })
      const wait = this.options.sentinelRetryStrategy?.(attempt)
      if (typeof wait !== 'number') throw error
      onError(error)
      await sleep(wait)
    }
  }

  async #ask({ host, port }: RedisNode): Promise<RedisNode> {
    const { name = '', connectTimeout, disconnectTimeout, ...options } = this.options
    const sentinel = new Redis({
      host,
      port,
      Connector: ServerConnector,
      username: options.sentinelUsername,
      password: options.sentinelPassword,
      tls: options.sentinelTLS,
      commandTimeout: options.sentinelCommandTimeout,
      ...(connectTimeout !== undefined && { connectTimeout }),
      ...(disconnectTimeout !== undefined && { disconnectTimeout }),
      // Version 3 answers with maps.
      protocol: 2,
      retryStrategy: null,
      enableReadyCheck: false,
    })
    let reason: unknown
    sentinel.on('error', (error) => (reason ??= error))
    try {
      const primary = nodeOf(await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name))
      if (!primary) throw new Error(`it does not know ${name}`)
      const others = await sentinel.call('SENTINEL', 'SENTINELS', name)
      for (const other of Array.isArray(others) ? others.map(readSentinel) : []) if (other) this.#add(other)
      return primary
    } catch (error) {
      // That of the command says most often only that the connection is closed.
      throw reason ?? error
    } finally {
      sentinel.disconnect()
    }
  }
}

function listOf(answer: unknown): readonly unknown[] {
  return Array.isArray(answer) ? answer : []
}

function nodeOf(address: unknown): RedisNode | undefined {
  const [host, port] = listOf(address)
  return typeof host === 'string' && host !== '' ? { host, port: Number(port) } : undefined
}

/** Of a flat list of names and values; undefined if the others cannot reach it either. */
function readSentinel(fields: unknown): RedisNode | undefined {
  const list = listOf(fields)
  const valueOf = (name: string) => list[list.indexOf(name) + 1]
  if (String(valueOf('flags')).includes('disconnected')) return undefined
  return nodeOf([valueOf('ip'), valueOf('port')])
}
