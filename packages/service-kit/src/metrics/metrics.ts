import { createServer } from 'node:http'
import type {} from '@fastify/postgres'
import type {} from '@fastify/redis'
import fp from 'fastify-plugin'
import { Counter, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { PROBLEMS, type ProblemCode } from '@portcullis/schemas'
import { measurePool, measureRedis } from './stores.ts'

export interface MetricsOptions {
  readonly service: string
  readonly host: string
  /** 0 counts, but opens no port. */
  readonly port: number
}

interface AnswerLabels {
  readonly method: string
  /** Its path as it was registered. */
  readonly route: string
  readonly status: number
}

/**
 * Counts requests into `app.metrics`, and serves `GET /metrics` on a port of its own before the app listens: Fastify only
 * logs what fails afterwards.
 */
export default fp<MetricsOptions>(
  async (app, { service, host, port }) => {
    const registry = new Registry()
    registry.setDefaultLabels({ service })
    app.decorate('metrics', registry)

    const durations = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from the request to the end of its answer',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers: [registry],
    })
    app.decorate('observeAnswer', (labels, ms) => durations.observe(labels, ms / 1000))
    app.addHook('onResponse', (request, reply, done) => {
      const { method, routeOptions } = request
      const labels = { method, route: routeOptions.url ?? 'none', status: reply.statusCode }
      app.observeAnswer(labels, reply.elapsedTime)
      done()
    })
    const problems = new Counter({
      name: 'problems_total',
      help: 'Answers that were problems, by their codes',
      labelNames: ['code'],
      registers: [registry],
    })
    // The first of a code is no rise to Prometheus if its series begins with it.
    for (const code of Object.keys(PROBLEMS)) problems.inc({ code }, 0)
    app.decorate('countProblem', (code) => problems.inc({ code }))
    app.addHook('onReady', async () => {
      if (app.hasDecorator('pg')) measurePool(registry, app.pg.pool)
      if (app.hasDecorator('redis')) measureRedis(registry, app.redis)
    })
    if (port === 0) return

    const server = createServer((request, response) => {
      if (request.method !== 'GET' || request.url !== '/metrics') {
        response.writeHead(404).end()
        return
      }
      registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
        (error: unknown) => {
          app.log.error({ err: error }, 'metrics failed')
          response.writeHead(500).end()
        },
      )
    })
    app.addHook('onReady', async () => {
      collectDefaultMetrics({ register: registry })
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      server.once('error', reject)
      server.listen(port, host, resolve)
      await promise
    })
    app.addHook('onClose', async () => {
      server.closeAllConnections()
      server.close()
    })
  },
  { name: 'metrics', fastify: '5.x' },
)

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Registry
    /** Counts an answer that no hook has seen, which took so many milliseconds. */
    observeAnswer: (labels: AnswerLabels, ms: number) => void
    countProblem: (code: ProblemCode) => void
  }
}
