import fp from 'fastify-plugin'
import { connectRedis } from '../stores/redis.ts'
import { Cache } from './cache.ts'

export interface CachePluginOptions {
  readonly url: string
  /** Separates the caches of services that share a Redis. */
  readonly name: string
}

/** `app.cache`, over `app.redis` and a second connection on which other instances are heard. */
export default fp<CachePluginOptions>(
  async (app, { url, name }) => {
    const subscriber = connectRedis(url, {
      name: `${name} cache push`,
      options: { commandTimeout: 1000, autoResubscribe: false },
    })
    const cache = new Cache({ name, redis: app.redis, subscriber })
    app.decorate('cache', cache)
    app.addHook('onClose', async () => cache.close())
  },
  { name: 'cache', fastify: '5.x', dependencies: ['redis'] },
)

declare module 'fastify' {
  interface FastifyInstance {
    cache: Cache
  }
}
