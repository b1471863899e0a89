import fp from 'fastify-plugin'
import { Idempotency } from '../idempotency/idempotency.ts'
import { Cursors } from '../lists/cursor.ts'

/**
 * What is authenticated with keys that all instances share: `app.cursors`, the opaque cursors of lists, and
 * `app.idempotency`, the keys of repeated requests. Both keys are derived from one secret.
 */
export default fp<{ secret: string }>(
  async (app, { secret }) => {
    app.decorate('cursors', new Cursors(secret))
    app.decorate('idempotency', new Idempotency(secret))
  },
  { name: 'secrets', fastify: '5.x' },
)

declare module 'fastify' {
  interface FastifyInstance {
    cursors: Cursors
    idempotency: Idempotency
  }
}
