import fp from 'fastify-plugin'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** One line a request, when it has been answered; probes and metrics at level debug. */
export default fp(
  async (app) => {
    app.addHook('onResponse', (request, reply, done) => {
      logRequest(request, reply)
      done()
    })
  },
  { name: 'request-log', fastify: '5.x' },
)

export function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  const level = request.routeOptions.config.quiet === true ? 'debug' : 'info'
  const ms = Math.round(reply.elapsedTime * 10) / 10
  request.log[level]({ req: request, status: reply.statusCode, ms }, 'request')
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Asked so often that its requests are logged at level debug only. */
    quiet?: boolean
  }
}
