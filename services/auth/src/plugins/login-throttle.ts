import type {} from '@fastify/redis'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { LoginThrottle } from '../passwords/login-throttle/login-throttle.ts'

/** `app.loginThrottle`: refuses attempts with passwords after too many failures. */
export default fp<{ config: Config }>(
  async (app, { config }) => {
    const throttle = new LoginThrottle({ redis: app.redis, secret: config.KEY_ENCRYPTION_KEY, now: app.now })
    app.decorate('loginThrottle', {
      attempt: (account, ip, check) =>
        config.LOGIN_THROTTLE === 'off' ? check() : throttle.attempt(account, ip, check),
    })
  },
  { name: 'login-throttle', fastify: '5.x', dependencies: ['redis'] },
)

declare module 'fastify' {
  interface FastifyInstance {
    loginThrottle: Pick<LoginThrottle, 'attempt'>
  }
}
