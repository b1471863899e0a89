import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { Keyring } from '../keys/keyring.ts'
import { createSealer } from '../keys/seal.ts'

/** A rotation by another instance is noticed within as long. */
const RELOAD_EVERY_MS = 5000

/** `app.keyring`: the keys that sign and verify. Makes the first ones. */
export default fp<{ config: Config }>(
  async (app, { config }) => {
    const sealer = createSealer(config.KEY_ENCRYPTION_KEY, config.KEY_ENCRYPTION_KEY_PREVIOUS)
    const keyring = await Keyring.open(app.db, sealer, {
      issuer: config.ISSUER,
      algorithm: config.SIGNING_ALGORITHM,
      sessionLifeSeconds: config.REFRESH_ABSOLUTE_SECONDS,
    })
    app.decorate('keyring', keyring)

    const timer = setInterval(() => {
      keyring.reload().catch((error: unknown) => app.log.warn({ err: error }, 'the keys cannot be read'))
    }, RELOAD_EVERY_MS)
    app.addHook('onClose', async () => clearInterval(timer))
  },
  { name: 'keyring', fastify: '5.x', dependencies: ['stores'] },
)

declare module 'fastify' {
  interface FastifyInstance {
    keyring: Keyring
  }
}
