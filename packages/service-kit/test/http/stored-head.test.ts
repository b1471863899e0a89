import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { ORIGIN, portOf, start, TAG } from '../support/stored-answers.ts'

t.test('each line of the head of a stored answer is that of the route, and sent once', async (t) => {
  const { app, state } = await start(t)
  const headOf = async (headers: string) => {
    const socket = connect(portOf(app), '127.0.0.1')
    socket.write(`GET /kept/1 HTTP/1.1\r\nHost: one\r\n${headers}Connection: close\r\n\r\n`)
    const [head = '', body] = (await text(socket)).split('\r\n\r\n')
    const own = /^(date|x-request-id|ratelimit): .*/i
    return {
      lines: head
        .split('\r\n')
        .map((line) => line.replace(own, '$1').toLowerCase())
        .toSorted(),
      body,
    }
  }
  for (const headers of ['', `If-None-Match: "${TAG}"\r\n`, `Origin: ${ORIGIN}\r\n`]) {
    const before = state.asked
    const [ofRoute, stored] = [await headOf(headers), await headOf(headers)]
    t.equal(state.asked, before + 1)
    t.strictSame(stored, ofRoute)
    t.equal(new Set(stored.lines).size, stored.lines.length)
  }
})
