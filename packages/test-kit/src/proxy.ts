import { createServer, connect, type Socket } from 'node:net'
import type { Teardown } from './teardown.ts'

/** Stands between a client and a server, and breaks what is between them. */
export interface TestProxy {
  readonly port: number
  /** The server's URL, with this proxy instead of the server. */
  readonly url: string
  /** Resets every connection and takes no new ones. */
  cut(): Promise<void>
  /** Keeps connections open, takes new ones, and lets nothing through. */
  stall(): void
  /** Resets every connection as soon as one sends this text. */
  cutAt(text: string): void
  /** Lets this text through, and resets every connection when the first of its answer comes. */
  cutAnswerOf(text: string): void
  /** Lets everything through again. What was stalled is sent. */
  mend(): Promise<void>
}

/** Starts a TCP proxy in front of the server that the URL names. It ends with the test. */
export async function startProxy(t: Teardown, target: string): Promise<TestProxy> {
  const { hostname, port: targetPort } = new URL(target)
  const pairs = new Set<readonly [Socket, Socket]>()
  let isStalled = false
  let fuse: string | undefined
  let answerFuse: string | undefined

  const reset = () => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy()
    pairs.clear()
  }
  const server = createServer((client) => {
    const upstream = connect(Number(targetPort), hostname)
    const pair = [client, upstream] as const
    pairs.add(pair)
    if (isStalled) client.pause()
    let isAnswerCut = false
    client.on('data', (chunk) => {
      if (answerFuse !== undefined && chunk.includes(answerFuse)) {
        answerFuse = undefined
        isAnswerCut = true
      }
      if (fuse !== undefined && chunk.includes(fuse)) {
        fuse = undefined
        reset()
      } else upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (isAnswerCut) reset()
      else client.write(chunk)
    })
    for (const socket of pair) {
      socket.on('error', () => undefined)
      socket.on('close', () => {
        pairs.delete(pair)
        for (const other of pair) other.destroy()
      })
    }
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const close = () => {
    reset()
    return new Promise<void>((resolve) => {
      server.close(() => resolve())
    })
  }
  await listen(0)
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  t.teardown(close)

  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  return {
    port,
    url: url.href,
    cut: close,
    stall: () => {
      isStalled = true
      for (const pair of pairs) for (const socket of pair) socket.pause()
    },
    cutAt: (text) => (fuse = text),
    cutAnswerOf: (text) => (answerFuse = text),
    mend: async () => {
      isStalled = false
      for (const pair of pairs) for (const socket of pair) socket.resume()
      if (!server.listening) await listen(port)
    },
  }
}
