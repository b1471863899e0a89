import fp from 'fastify-plugin'
import { Cursors } from '@portcullis/service-kit'

/** `app.cursors`: the opaque cursors of lists. */
export default fp<{ secret: string }>(
  async (app, { secret }) => {
    app.decorate('cursors', new Cursors(secret))
  },
  { name: 'cursors', fastify: '5.x' },
)

declare module 'fastify' {
  interface FastifyInstance {
    cursors: Cursors
  }
}
