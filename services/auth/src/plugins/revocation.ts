import fp from 'fastify-plugin'
import { connectRedis, untilRedisReady } from '@portcullis/service-kit'
import { Replica, type Clock } from '@portcullis/token-verifier'
import type { Config } from '../config.ts'
import { News } from '../database/news.ts'
import { patiently } from '../database/patience.ts'
import { readProgress, readStoredProgress } from '../revocation/verifiers/acks.ts'
import { defineAppend } from '../revocation/append.ts'
import { Barrier } from '../revocation/barrier.ts'
import { giveUpKeys, withSpares } from '../keys/rotate.ts'
import { Feed } from '../revocation/feed.ts'
import { Follower } from '../revocation/follow.ts'
import { History } from '../revocation/history.ts'
import { Leases } from '../revocation/verifiers/leases.ts'
import { CommitListener } from '../revocation/commit-listener.ts'
import { warnOfEviction } from '../revocation/eviction.ts'
import { Registrar } from '../revocation/verifiers/registrar.ts'
import { Relay } from '../revocation/relay.ts'
import { Serving } from '../revocation/verifiers/serving.ts'

export interface RevocationOptions {
  readonly config: Config
  readonly clock: Clock
}

/**
 * The writing end of the revocation log: the relay that carries it to Redis, this instance's own replica, and
 * the barrier that holds an answer until every verifier knows.
 */
export default fp<RevocationOptions>(
  async (app, { config, clock }) => {
    const redis = connectRedis(config.REVOCATION_REDIS_URL, {
      name: 'portcullis-auth revocation',
      log: app.log,
    })
    defineAppend(redis)
    const replica = new Replica({ clock })
    const serving = new Serving(clock)
    const { db, log } = app
    const history = new History({
      db,
      transact: app.transact,
      redis,
      replica,
      serving,
      prepareKeys: async () => {
        const maker = await withSpares(app.keyMaker)
        return (trx, kids) => giveUpKeys(trx, maker, kids)
      },
      log,
    })
    const follower = new Follower({
      db,
      redis,
      replica,
      history,
      onKeys: () => app.keyring.reload(),
      clock,
      maxAgeSeconds: config.MAX_STALENESS_SECONDS,
      log,
    })
    const registrar = new Registrar({ db, redis, clock, log, serving })
    const leases = new Leases({ db, clock, registrar, serving, log })
    const relay = new Relay({ db, redis, registrar, history, log })
    const news = { revocations: new News(), userChanges: new News() }
    const listener = new CommitListener(config.DATABASE_URL, app.revocationSender, {
      revocations: () => {
        follower.poke()
        relay.pokeSoon()
        news.revocations.tell()
      },
      userChanges: () => news.userChanges.tell(),
    })
    const barrier = new Barrier({
      readProgress: async (verifiers) =>
        (await readProgress(redis, verifiers)).set(follower.name, replica.position),
      neededInRedis: (position) => relay.neededFor(position),
      neededInDatabase: (position) => follower.neededFor(position),
      readStoredProgress: async (names) =>
        (await readStoredProgress(db, names, replica.epoch)).set(follower.name, replica.position),
    })
    const feed = new Feed({
      db,
      news: news.revocations,
      serving,
      onProgress: (name, position) => barrier.progressed(new Map([[name, position]])),
    })
    app.decorate('replica', replica)
    app.decorate('barrier', barrier)
    app.decorate('relay', relay)
    app.decorate('news', news)
    app.decorate('revocationFeed', feed)

    app.revokedListeners.add((events) => {
      void relay.carry(events)
      follower.committed(events)
      news.revocations.tell()
    })
    app.addHook('onReady', async () => {
      await untilRedisReady(redis)
      // What Redis knows and the database has lost is mended before this instance reads the log and serves.
      await relay.start()
      await patiently(log, () => follower.start())
      leases.start()
      await listener.start()
    })
    redis.on('ready', () => void warnOfEviction(redis, log))
    app.addHook('onClose', async () => {
      await listener.stop()
      await leases.stop()
      await relay.stop()
      await follower.stop()
      redis.disconnect()
    })
  },
  { name: 'revocation', fastify: '5.x', dependencies: ['stores', 'keyring'] },
)

declare module 'fastify' {
  interface FastifyInstance {
    replica: Replica
    barrier: Barrier
    relay: Relay
    revocationFeed: Feed
    /** Commits to the logs, by any instance. */
    news: { readonly revocations: News; readonly userChanges: News }
  }
}
