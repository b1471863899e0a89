import fp from 'fastify-plugin'
import type { Clock } from '@portcullis/token-verifier'
import type { Config } from '../config.ts'
import { patiently } from '../database/patience.ts'
import { Keyring } from '../keys/keyring.ts'
import { rotateWhenDue, type KeyMaker } from '../keys/rotate.ts'
import { createSealer } from '../keys/seal.ts'

/** How often keys are reread: a rotation by another instance is noticed within this time. */
const RELOAD_EVERY_MS = 5000
/** How often it is looked whether the keys are due to be rotated. */
const LOOK_EVERY_MS = 60_000

/** `app.keyring`: the keys that sign and verify. Makes the first ones. */
export default fp<{ config: Config; clock: Clock }>(
  async (app, { config, clock }) => {
    const keyMaker = {
      sealer: createSealer(config.KEY_ENCRYPTION_KEY, config.KEY_ENCRYPTION_KEY_PREVIOUS),
      algorithm: config.SIGNING_ALGORITHM,
    }
    const keyring = await patiently(app.log, () =>
      Keyring.open(app.db, {
        ...keyMaker,
        issuer: config.ISSUER,
        sessionLifeSeconds: config.REFRESH_ABSOLUTE_SECONDS,
        clock,
      }),
    )
    app.decorate('keyring', keyring)
    app.decorate('keyMaker', keyMaker)

    const timers = [
      setInterval(() => {
        keyring.reload().catch((error: unknown) => app.log.warn({ err: error }, 'the keys cannot be read'))
      }, RELOAD_EVERY_MS),
    ]
    const rotate = async () => {
      try {
        if (!(await rotateWhenDue(app.db, keyMaker, config.KEY_ROTATION_DAYS))) return
        await keyring.reload()
        app.log.info({ kid: keyring.activeKid }, 'keys rotated by schedule')
      } catch (error) {
        app.log.warn({ err: error }, 'the keys could not be rotated')
      }
    }
    if (config.KEY_ROTATION_DAYS > 0) timers.push(setInterval(() => void rotate(), LOOK_EVERY_MS))
    app.addHook('onClose', async () => timers.forEach((timer) => clearInterval(timer)))
  },
  { name: 'keyring', fastify: '5.x', dependencies: ['stores'] },
)

declare module 'fastify' {
  interface FastifyInstance {
    keyring: Keyring
    /** What new keys are made with. */
    keyMaker: KeyMaker
  }
}
