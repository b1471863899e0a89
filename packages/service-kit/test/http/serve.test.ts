import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { stopListening } from '../../src/http/serve.ts'

const program = fileURLToPath(new URL('../support/service.ts', import.meta.url))

async function get(port: number, agent: Agent): Promise<{ status: number | undefined; reused: boolean }> {
  const sent = request({ port, agent, host: '127.0.0.1' }).end()
  const [response]: IncomingMessage[] = await once(sent, 'response')
  response?.resume()
  if (response) await once(response, 'end')
  return { status: response?.statusCode, reused: sent.reusedSocket }
}

t.test('who stops to listen refuses new connections, and answers on those that are open', async (t) => {
  const server = createServer((_request, response) => response.end('here'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  t.strictSame(await get(port, agent), { status: 200, reused: false })

  await stopListening(server)
  const [error] = await once(connect(port, '127.0.0.1'), 'error').catch((reason: unknown) => [reason])
  t.equal(error.code, 'ECONNREFUSED')
  t.strictSame(await get(port, agent), { status: 200, reused: true })

  const closed = once(server, 'close')
  agent.destroy()
  await closed
})

t.test('no connection that was made before is reset by it', async (t) => {
  const server = createServer((_request, response) => response.end('here'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const agent = new Agent({ keepAlive: false, maxSockets: 50 })
  const answers = Array.from({ length: 50 }, () => get(port, agent))
  await once(server, 'connection')
  await stopListening(server)
  const closed = once(server, 'close')
  const statuses = (await Promise.allSettled(answers)).map((one) =>
    one.status === 'fulfilled' ? one.value.status : Reflect.get(Object(one.reason), 'code'),
  )
  // Whoever comes too late is refused, which a gateway answers by asking another instance.
  t.strictSame(new Set([...statuses, 200, 'ECONNREFUSED']), new Set([200, 'ECONNREFUSED']))
  await closed
})

t.test('it is soon over, and resets nobody, where many come again with every answer', async (t) => {
  const server = createServer((_request, response) => {
    // Work, so that there is no quiet turn.
    for (const until = performance.now() + 1; performance.now() < until;) continue
    response.end('here')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const agent = new Agent({ keepAlive: false })
  const comeAgain = async (): Promise<unknown> => {
    for (;;) {
      try {
        await get(port, agent)
      } catch (error) {
        return Reflect.get(Object(error), 'code')
      }
    }
  }
  const clients = Array.from({ length: 150 }, comeAgain)
  await once(server, 'connection')
  await sleep(200)
  const began = performance.now()
  await stopListening(server)
  t.ok(performance.now() - began < 2000)
  const closed = once(server, 'close')
  t.strictSame(new Set(await Promise.all(clients)), new Set(['ECONNREFUSED']))
  await closed
})

t.test('an address that cannot be listened on, that of metrics too, ends the start in a line', async (t) => {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? String(address?.port) : ''
  const says = async (env: Record<string, string>, settings: string, reason: string) =>
    t.rejects(
      promisify(execFile)(process.execPath, ['--conditions=@portcullis/source', program], {
        env,
        timeout: 20_000,
      }),
      {
        code: 1,
        stdout: '',
        stderr: new RegExp(`^the address of ${settings} cannot be listened on: ${reason}\n$`),
      },
      JSON.stringify(env),
    )
  for (const [prefix, settings] of [
    ['', 'HOST and PORT'],
    ['METRICS_', 'METRICS_HOST and METRICS_PORT'],
  ] as const) {
    const taken = `listen EADDRINUSE: address already in use 127\\.0\\.0\\.1:${port}`
    await says({ [`${prefix}PORT`]: port }, settings, taken)
    // Of TEST-NET-1, so that it is nobody's.
    const elsewhere = { [`${prefix}HOST`]: '192.0.2.1', [`${prefix}PORT`]: port }
    await says(elsewhere, settings, 'listen EADDRNOTAVAIL: .*')
    const unknown = { [`${prefix}HOST`]: 'no.such.invalid', [`${prefix}PORT`]: port }
    await says(unknown, settings, 'getaddrinfo (?:ENOTFOUND|EAI_AGAIN) no\\.such\\.invalid')
  }
})

t.test('a database without which a service cannot start is told in a line', async (t) => {
  // It accepts no TLS, and answers so to whoever asks.
  const server = createTcpServer((socket) => socket.once('data', () => socket.end('N')))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  await t.rejects(
    promisify(execFile)(process.execPath, ['--conditions=@portcullis/source', program], {
      env: { DATABASE_URL: `postgres://u:hunter2@127.0.0.1:${port}/db?sslmode=verify-full` },
    }),
    {
      code: 1,
      stderr: 'the database of DATABASE_URL cannot be used: The server does not support SSL connections\n',
    },
  )
})
