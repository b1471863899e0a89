import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { PasswordHasher } from '../passwords/hasher.ts'

/** `app.passwords`: hashes and checks passwords, a bounded number at a time. */
export default fp<{ config: Config }>(
  async (app, { config }) => {
    app.decorate(
      'passwords',
      new PasswordHasher({
        memoryKib: config.ARGON2_MEMORY_KIB,
        timeCost: config.ARGON2_TIME_COST,
        parallelism: config.ARGON2_PARALLELISM,
      }),
    )
  },
  { name: 'passwords', fastify: '5.x' },
)

declare module 'fastify' {
  interface FastifyInstance {
    passwords: PasswordHasher
  }
}
