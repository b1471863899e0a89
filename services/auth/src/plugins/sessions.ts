import fp from 'fastify-plugin'
import { connectRedis, untilRedisReady } from '@portcullis/service-kit'
import type { Config } from '../config.ts'
import { SessionMirror } from '../sessions/mirror.ts'
import type { TokenOptions } from '../sessions/pair.ts'
import type { Lifetimes } from '../sessions/times.ts'

const REPAIR_EVERY_MS = 1000

/** What sessions are made with, and `app.sessionMirror`, which shows them in Redis. */
export default fp<{ config: Config }>(
  async (app, { config }) => {
    app.decorate('tokenOptions', {
      issuer: config.ISSUER,
      audience: config.AUDIENCE,
      accessTtlSeconds: config.ACCESS_TTL_SECONDS,
    })
    app.decorate('lifetimes', {
      idleSeconds: config.REFRESH_IDLE_SECONDS,
      absoluteSeconds: config.REFRESH_ABSOLUTE_SECONDS,
    })
    app.decorate('replaySeconds', config.REFRESH_REPLAY_SECONDS)
    app.decorate('accessOnRefresh', config.ACCESS_ON_REFRESH)

    const redis = connectRedis(config.SESSION_REDIS_URL, { name: 'portcullis-auth sessions', log: app.log })
    const mirror = new SessionMirror(app.db, redis, app.log, config.REFRESH_IDLE_SECONDS)
    app.decorate('sessionMirror', mirror)
    let timer: NodeJS.Timeout | undefined
    app.addHook('onReady', async () => {
      if (await untilRedisReady(redis)) await mirror.repair()
      timer = setInterval(() => void mirror.repair(), REPAIR_EVERY_MS)
    })
    app.addHook('onClose', async () => {
      clearInterval(timer)
      await mirror.stop()
      redis.disconnect()
    })
  },
  { name: 'sessions', fastify: '5.x', dependencies: ['stores'] },
)

declare module 'fastify' {
  interface FastifyInstance {
    tokenOptions: TokenOptions
    lifetimes: Lifetimes
    /** How long a used refresh token still gives the same successor, in seconds. */
    replaySeconds: number
    accessOnRefresh: Config['ACCESS_ON_REFRESH']
    sessionMirror: SessionMirror
  }
}
