import type { IncomingMessage } from 'node:http'
import fp from 'fastify-plugin'
import { problem } from '../problems/problem.ts'

/** `uri-host [":" port]` (RFC 9110 section 7.2, RFC 3986 section 3.2.2). A name may be empty. */
const HOST = /^(?:\[[\w.~!$&'()*+,;=:%-]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*)(?::\d*)?$/i

/**
 * What Node would answer by itself, without a problem document and a line of log, or not look at: a request without
 * `Host`, which HTTP/1.1 demands, or with more than one, or with one that is none (RFC 9112 section 3.2), and an
 * `Expect` that it does not know, which may be passed over (RFC 9110 section 10.1.1).
 */
export default fp(
  async (app) => {
    app.addHook('onRequest', ({ raw }, _reply, done) => {
      const detail = faultOfHost(raw)
      done(detail === undefined ? undefined : problem('REQUEST_MALFORMED', { detail }))
    })
    app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  },
  { name: 'protocol', fastify: '5.x' },
)

/** What is wrong with the `Host` of a request; undefined if nothing is. */
export function faultOfHost({
  headers: { host },
  rawHeaders,
  httpVersion,
}: IncomingMessage): string | undefined {
  if (host === undefined) return httpVersion === '1.1' ? 'There is no header Host.' : undefined
  if (!HOST.test(host)) return 'The header Host names no host.'
  return isRepeated(rawHeaders) ? 'There is more than one header Host.' : undefined
}

/** Node keeps the first of them. Names are at even places. */
function isRepeated(rawHeaders: readonly string[]): boolean {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count > 1
}
