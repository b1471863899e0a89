import fp from 'fastify-plugin'
import { LoginRecorder } from '../logins/recorder.ts'

/** `app.loginHistory`: notes failed logins behind their answers. */
export default fp(
  async (app) => {
    const recorder = new LoginRecorder(app.db, app.log)
    app.decorate('loginHistory', recorder)
    app.addHook('onClose', () => recorder.flush())
  },
  { name: 'login-history', fastify: '5.x', dependencies: ['stores'] },
)

declare module 'fastify' {
  interface FastifyInstance {
    loginHistory: LoginRecorder
  }
}
