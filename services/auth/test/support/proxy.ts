import { connect, createServer, type Socket } from 'node:net'
import type { Teardown } from '@portcullis/test-kit'

/** A TCP proxy in front of PostgreSQL that can lose an answer. */
export interface Proxy {
  readonly url: string
  /** Cuts the next connection that sends this text, when the server has answered it and before the client hears so. */
  cutAfter(text: string): void
}

export async function startProxy(t: Teardown, databaseUrl: string): Promise<Proxy> {
  const target = new URL(databaseUrl)
  let awaited: string | undefined
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    const end = () => [client, upstream].forEach((socket) => socket.destroy())
    client.on('close', end)
    upstream.on('close', end)
    let isCut = false
    client.on('data', (data) => {
      if (awaited !== undefined && data.includes(awaited)) {
        isCut = true
        awaited = undefined
      }
      upstream.write(data)
    })
    upstream.on('data', (data) => (isCut ? end() : client.write(data)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return { url: url.href, cutAfter: (text) => (awaited = text) }
}
