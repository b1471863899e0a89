import fp from 'fastify-plugin'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LoggerOptions } from './logger.ts'
import { requestLines, type Answered } from './request-line.ts'

export interface RequestLogOptions {
  /** Silent without. */
  readonly logger: Required<LoggerOptions> | undefined
}

/** One line a request, when it has been answered; probes and pages of the docs at level debug. */
export default fp<RequestLogOptions>(
  async (app, { logger }) => {
    app.decorate('logAnswer', logger === undefined ? () => undefined : requestLines(logger))
    app.addHook('onResponse', (request, reply, done) => {
      logRequest(request, reply)
      done()
    })
  },
  { name: 'request-log', fastify: '5.x' },
)

export function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  const level = request.routeOptions.config.quiet === true ? 'debug' : 'info'
  request.server.logAnswer({ level, request, status: reply.statusCode, ms: reply.elapsedTime })
}

declare module 'fastify' {
  interface FastifyInstance {
    logAnswer: (answered: Answered) => void
  }

  interface FastifyContextConfig {
    /** Probes and pages of the docs: logged at level debug only, and answered under load. */
    quiet?: boolean
  }
}
