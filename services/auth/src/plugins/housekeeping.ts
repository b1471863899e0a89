import fp from 'fastify-plugin'
import { deleteOldAnswers } from '@portcullis/service-kit'
import type { Config } from '../config.ts'
import { Housekeeping } from '../housekeeping/housekeeping.ts'
import { pruneLogins, pruneSessions } from '../housekeeping/prune.ts'
import { pruneRevocations } from '../revocation/log.ts'
import { pruneUserChanges } from '../users/changes.ts'

const INTERVAL_MS = 60_000

/** `app.housekeeping`: drops once a minute what nobody needs any more. */
export default fp<{ config: Config }>(
  async (app, { config }) => {
    const { db } = app
    const housekeeping = new Housekeeping(
      app.pg.pool,
      {
        revocations: (limit) => pruneRevocations(db, limit),
        user_changes: (limit) => pruneUserChanges(db, limit),
        sessions: (limit) => pruneSessions(db, limit),
        logins: (limit) => pruneLogins(db, config.LOGIN_HISTORY_DAYS, limit),
        idempotency_keys: (limit) => deleteOldAnswers(db, limit),
      },
      app.log,
    )
    app.decorate('housekeeping', housekeeping)
    const timer = setInterval(() => void housekeeping.run(), INTERVAL_MS).unref()
    app.addHook('preClose', async () => {
      clearInterval(timer)
      await housekeeping.stop()
    })
  },
  { name: 'housekeeping', fastify: '5.x', dependencies: ['stores'] },
)

declare module 'fastify' {
  interface FastifyInstance {
    housekeeping: Housekeeping
  }
}
