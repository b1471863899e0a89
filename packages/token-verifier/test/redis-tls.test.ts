import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createServer } from 'node:tls'
import t from 'tap'
import { selfSigned, type Teardown } from '@portcullis/test-kit'
import { createVerifier, type Observer } from '@portcullis/token-verifier'
import { followerRedisOptions } from '../src/create-verifier.ts'
import { createRedis } from '../src/redis/client.ts'
import { until } from './support/until.ts'

const URLS = {
  server: (place: string) => `rediss://${place}/0`,
  sentinel: (place: string) => `rediss-sentinel://${place}/0?sentinelServiceName=primary`,
  cluster: (place: string) => `rediss-cluster://${place}`,
}

/** A server that nobody trusts, and the names that it was asked for. */
async function startStranger(t: Teardown) {
  const names: string[] = []
  const server = createServer({
    ...selfSigned('localhost'),
    SNICallback: (name, done) => {
      names.push(name)
      done(null)
    },
  })
  server.on('tlsClientError', () => undefined)
  server.on('secureConnection', (socket) => socket.on('error', () => undefined))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  return { names, port: typeof address === 'object' ? address?.port : undefined }
}

/** Connections that this process begins from now on. */
function socketsFrom(t: Teardown): readonly Socket[] {
  const sockets: Socket[] = []
  const add = (message: unknown) => {
    if (isBegun(message)) sockets.push(message.socket)
  }
  diagnostics.subscribe('net.client.socket', add)
  t.teardown(() => diagnostics.unsubscribe('net.client.socket', add))
  return sockets
}

function isBegun(message: unknown): message is { socket: Socket } {
  return typeof message === 'object' && message !== null && 'socket' in message
}

for (const [kind, urlOf] of Object.entries(URLS)) {
  t.test(`${kind}: whatever a connection says after the client gave it up ends no process`, async (t) => {
    const { port } = await startStranger(t)
    const sockets = socketsFrom(t)
    const client = createRedis(urlOf(`localhost:${port}`), followerRedisOptions)
    client.on('error', () => undefined)
    await t.rejects(client.connect())
    client.disconnect()
    t.ok(sockets.length > 0)
    // So it is where a certificate is refused while the connection is being closed: the server answers with an alert.
    for (const socket of sockets)
      for (const message of ['refused', 'alert'])
        t.doesNotThrow(() => socket.emit('error', new Error(message)))
  })

  t.test(`${kind}: a certificate is asked for by name, and an address is none`, async (t) => {
    const { port, names } = await startStranger(t)
    for (const host of ['localhost', '127.0.0.1']) {
      const client = createRedis(urlOf(`${host}:${port}`), followerRedisOptions)
      client.on('error', () => undefined)
      await t.rejects(client.connect())
      client.disconnect()
    }
    t.ok(names.length > 0)
    t.strictSame(new Set(names), new Set(['localhost']))
  })

  t.test(`${kind}: that a certificate is refused is told`, async (t) => {
    const { port } = await startStranger(t)
    const errors: unknown[] = []
    const observer: Observer = { disconnected: (_carrier, error) => errors.push(error) }
    const verifier = createVerifier({
      issuer: 'i',
      audience: 'a',
      clientId: 'c',
      keys: { find: () => undefined },
      redisUrl: urlOf(`localhost:${port}`),
      observer,
    })
    t.teardown(() => verifier.close())
    verifier.start()
    await until(() => errors.length > 0)
    const [error] = errors
    const told = error instanceof Error && error.cause instanceof Error ? error.cause : error
    t.match(told, { message: /self-signed certificate/, code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  })
}
