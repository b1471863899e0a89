import { connect, createServer, type Server, type Socket } from 'node:net'

/** A way to a server that can be cut, silently, as a firewall or a dead router cuts it. */
export class Proxy {
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #target: number
  #isCut = false

  private constructor(server: Server, port: number, target: number) {
    this.#server = server
    this.port = port
    this.#target = target
    server.on('connection', (client) => this.#carry(client))
  }

  /** @param target port on 127.0.0.1 */
  static async start(target: number): Promise<Proxy> {
    const server = createServer({ noDelay: true })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
    return new Proxy(server, address.port, target)
  }

  /** From now on nothing passes, and nobody is told: connections stay open. */
  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.pause()
  }

  /** What was cut comes to an end, and new connections pass. */
  heal(): void {
    this.#isCut = false
    this.drop()
  }

  /** Leads somewhere else; connections that there are end. */
  retarget(target: number): void {
    this.#target = target
    this.drop()
  }

  /** Ends every connection. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  stop(): void {
    this.#server.close()
    this.drop()
  }

  #carry(client: Socket): void {
    const upstream = connect({ port: this.#target, host: '127.0.0.1', noDelay: true })
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(from)
      from.on('error', () => undefined)
      from.on('data', (data) => {
        if (!to.write(data)) {
          from.pause()
          to.once('drain', () => this.#isCut || from.resume())
        }
      })
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
    }
    if (this.#isCut) {
      client.pause()
      upstream.pause()
    }
  }
}
