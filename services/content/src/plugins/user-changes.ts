import fp from 'fastify-plugin'
import { gauge } from '@portcullis/service-kit'
import { ClientToken, systemClock } from '@portcullis/token-verifier'
import type { Config } from '../config.ts'
import { UserChangesFollower } from '../authors/follower.ts'
import { topics } from '../features/posts/ready.ts'

/** Follows the users of auth for as long as the app runs. */
export default fp<Pick<Config, 'AUTH_URL' | 'CLIENT_ID' | 'CLIENT_SECRET'>>(
  async (app, config) => {
    const follower = new UserChangesFollower({
      db: app.db,
      authUrl: config.AUTH_URL,
      token: new ClientToken({
        authUrl: config.AUTH_URL,
        clientId: config.CLIENT_ID,
        clientSecret: config.CLIENT_SECRET,
        scope: 'users:changes',
        clock: systemClock,
      }),
      onVisible: () => app.cache.raise(topics.authors),
      log: app.log,
    })
    gauge(
      app.metrics,
      'user_changes_age_seconds',
      'Time since what auth tells of its users was last applied here',
      () => follower.age() / 1000,
    )
    app.addHook('onReady', async () => follower.start())
    app.addHook('preClose', () => follower.stop())
  },
  { name: 'user-changes', fastify: '5.x', dependencies: ['database', 'cache', 'metrics'] },
)
