import { connect, createServer, type Server, type Socket } from 'node:net'

/** Passes connections to one server, the one that leads; to nobody while nobody does. */
export class Proxy {
  readonly #port: number
  readonly #server: Server
  readonly #open = new Set<Socket>()
  #target: string | undefined
  #isHeld = true

  /** @param port of this proxy and of the servers. */
  constructor(port: number) {
    this.#port = port
    this.#server = createServer((client) => this.#pass(client))
  }

  listen(): void {
    this.#server.listen(this.#port)
  }

  /** @param target address of the server. What is open to another one ends at once, and is heard no more. */
  route(target: string): void {
    this.#isHeld = false
    if (target !== this.#target) this.cut()
    this.#target = target
  }

  /** Nobody new is passed; what is open stays open. */
  hold(): void {
    this.#isHeld = true
  }

  /** Everything ends, and nobody new is passed. */
  cut(): void {
    this.#target = undefined
    for (const socket of this.#open) socket.destroy()
  }

  #pass(client: Socket): void {
    client.on('error', () => undefined)
    if (this.#isHeld || this.#target === undefined) return void client.destroy()
    const server = connect({ host: this.#target, port: this.#port, noDelay: true })
    client.setNoDelay(true)
    server.on('error', () => undefined)
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#open.add(one)
      one.on('close', () => {
        this.#open.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  }
}
