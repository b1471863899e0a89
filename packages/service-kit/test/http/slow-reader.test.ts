import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { portOf, start } from '../support/stored-answers.ts'
import { until } from '../support/until.ts'

t.test('who takes nothing of an answer has 30 s, whether or not it is stored', async (t) => {
  const { app, ask, state } = await start(t, { body: 'x'.repeat(7 * 1024 * 1024) })
  const connections: Socket[] = []
  app.server.on('connection', (connection) => connections.push(connection))
  await ask()
  for (const path of ['/kept/2', '/kept/1']) {
    const socket = connect(portOf(app), '127.0.0.1')
    t.teardown(() => socket.destroy())
    socket.write(`GET ${path} HTTP/1.1\r\nHost: one\r\n\r\n`)
    await once(socket, 'readable')
    await until(() => connections.at(-1)?.timeout === 30_000)
  }
  t.equal(connections.length, 3)
  t.equal(state.asked, 2)
})

t.test('who was refused before there was a request, and does not hang up, has 30 s', async (t) => {
  const { app } = await start(t)
  const connections: Socket[] = []
  app.server.on('connection', (connection) => connections.push(connection))
  const socket = connect({ port: portOf(app), host: '127.0.0.1', allowHalfOpen: true })
  t.teardown(() => socket.destroy())
  socket.write('nonsense\r\n\r\n')
  t.match(await text(socket), /^HTTP\/1\.1 400 /)
  t.equal(connections[0]?.timeout, 30_000)
})
