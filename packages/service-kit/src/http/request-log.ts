import fp from 'fastify-plugin'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** One line a request, when it has been answered; probes and pages of the docs at level debug. */
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
    /** Probes and pages of the docs: logged at level debug only, and answered under load. */
    quiet?: boolean
  }
}
