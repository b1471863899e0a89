import fp from 'fastify-plugin'
import type { onSendHookHandler } from 'fastify'

/** Fastify gives every answer to HEAD a length; that of a 304 would be the length of the 200 (RFC 9110 section 8.6). */
export default fp(
  async (app) => {
    const dropLength: onSendHookHandler = (_request, reply, _payload, done) => {
      if (reply.statusCode === 304) reply.removeHeader('content-length')
      done()
    }
    app.addHook('onRoute', (route) => {
      // After Fastify's own.
      if (route.method === 'HEAD') route.onSend = [route.onSend ?? [], dropLength].flat()
    })
  },
  { name: 'head-length', fastify: '5.x' },
)
