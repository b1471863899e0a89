import fp from 'fastify-plugin'

/** One line a request, when it has been answered; probes and metrics at level debug. */
export default fp(
  async (app) => {
    app.addHook('onResponse', (request, reply, done) => {
      const level = request.routeOptions.config.quiet === true ? 'debug' : 'info'
      request.log[level](
        {
          req: request,
          status: reply.statusCode,
          ms: Math.round(reply.elapsedTime * 10) / 10,
        },
        'request',
      )
      done()
    })
  },
  { name: 'request-log', fastify: '5.x' },
)

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Asked so often that its requests are logged at level debug only. */
    quiet?: boolean
  }
}
