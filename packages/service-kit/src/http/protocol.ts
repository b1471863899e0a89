import fp from 'fastify-plugin'
import { problem } from '../problems/problem.ts'

/**
 * What Node would answer by itself, without a problem document and a line of log: a request without `Host`, which
 * HTTP/1.1 demands (RFC 9112 section 3.2), and an `Expect` that it does not know, which may be passed over (RFC 9110
 * section 10.1.1).
 */
export default fp(
  async (app) => {
    app.addHook('onRequest', ({ raw }, _reply, done) => {
      const isWithout = raw.headers.host === undefined && raw.httpVersion === '1.1'
      done(isWithout ? problem('REQUEST_MALFORMED', { detail: 'There is no header Host.' }) : undefined)
    })
    app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  },
  { name: 'protocol', fastify: '5.x' },
)
