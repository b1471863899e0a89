import underPressure from '@fastify/under-pressure'
import fp from 'fastify-plugin'
import { RETRY_SOON, problem } from '../problems/problem.ts'

/** The loop stands still for so long only when the process has far more work than it can do. */
const MAX_EVENT_LOOP_DELAY_MS = 1500
const SAMPLE_MS = 1000

/** Answers 503 before the event loop drowns. Probes and the docs are always answered. */
export default fp(
  async (app) => {
    // What is measured while the process starts tells nothing of its load, and stands until the sample after the next.
    let meaningfulFrom = Infinity
    app.addHook('onReady', (done) => {
      meaningfulFrom = performance.now() + 2 * SAMPLE_MS
      done()
    })
    app.register(underPressure, {
      maxEventLoopDelay: MAX_EVENT_LOOP_DELAY_MS,
      sampleInterval: SAMPLE_MS,
      pressureHandler: (request) => {
        if (request.routeOptions.config.quiet !== true && performance.now() >= meaningfulFrom)
          throw problem('UNAVAILABLE', { headers: RETRY_SOON })
      },
    })
  },
  { name: 'load-shedding', fastify: '5.x' },
)
