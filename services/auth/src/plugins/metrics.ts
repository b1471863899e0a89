import fp from 'fastify-plugin'
import { Counter, Histogram } from 'prom-client'
import { gauge, gauges, measureReplica } from '@portcullis/service-kit'

const LOGIN_URL = '/api/v1/login'
/** What an answer says of a login. */
const LOGIN_OUTCOMES: Readonly<Record<number, string>> = {
  200: 'success',
  400: 'invalid',
  401: 'wrong',
  429: 'throttled',
  503: 'unavailable',
}

/** Measures what only auth does: logins, hashing, its replica, barriers, the relay, and who verifies. */
export default fp(
  async (app) => {
    const registers = [app.metrics]
    const logins = new Counter({
      name: 'auth_logins_total',
      help: 'Logins by outcome',
      labelNames: ['outcome'],
      registers,
    })
    app.addHook('onResponse', async (request, reply) => {
      if (request.routeOptions.url === LOGIN_URL)
        logins.inc({ outcome: LOGIN_OUTCOMES[reply.statusCode] ?? 'failed' })
    })
    gauges(
      app.metrics,
      { name: 'auth_password_jobs', help: 'Passwords being hashed, and waiting to be', label: 'state' },
      () => ({ running: app.passwords.running, waiting: app.passwords.waiting }),
    )

    measureReplica(app.metrics, app.replica)
    const barriers = new Histogram({
      name: 'revocation_barrier_seconds',
      help: 'Time from the commit of a revocation until every verifier had applied it, or the answer waited no longer',
      labelNames: ['outcome'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
      registers,
    })
    // The first is no rise to Prometheus if its series begins with it.
    barriers.zero({ outcome: 'pending' })
    app.barrier.onWaited = (ms, isPending) =>
      barriers.observe({ outcome: isPending ? 'pending' : 'complete' }, ms / 1000)
    gauge(app.metrics, 'revocation_relay_up', '1 while the revocation log reaches Redis from here', () =>
      app.relay.isHealthy ? 1 : 0,
    )
    gauge(app.metrics, 'revocation_verifiers', 'Verifiers that every revocation waits for', countVerifiers)

    async function countVerifiers(): Promise<number> {
      try {
        const { count } = await app.db
          .selectFrom('verifiers')
          .select((e) => e.fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow()
        return count
      } catch {
        return Number.NaN
      }
    }
  },
  { name: 'auth-metrics', fastify: '5.x', dependencies: ['metrics', 'passwords', 'revocation'] },
)
