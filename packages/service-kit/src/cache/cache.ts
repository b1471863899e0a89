import fp from 'fastify-plugin'
import { Counter } from 'prom-client'
import { connectSubscriber } from '../stores/redis-client.ts'
import { Cache, cacheKey, type CacheSource } from './two-tier.ts'

export interface CachePluginOptions {
  readonly url: string
  /** Separates the caches of services that share a Redis. */
  readonly name: string
}

/** `app.cache`, over `app.redis` and a second connection on which other instances are heard. */
export default fp<CachePluginOptions>(
  async (app, { url, name }) => {
    const subscriber = connectSubscriber(app.redis, url, `${name} cache push`, cacheKey(name))
    const reads: Record<CacheSource, number> = { memory: 0, redis: 0, database: 0 }
    const counter = new Counter({
      name: 'cache_reads_total',
      help: 'Reads of the cache, by where the value came from: memory, redis, or the database',
      labelNames: ['source'],
      registers: [],
      collect() {
        this.reset()
        for (const [source, count] of Object.entries(reads)) this.inc({ source }, count)
      },
    })
    app.metrics.registerMetric(counter)
    const onRead = (source: CacheSource) => (reads[source] += 1)
    const cache = new Cache({ name, redis: app.redis, subscriber, onRead })
    app.decorate('cache', cache)
    app.addHook('onClose', async () => cache.close())
  },
  { name: 'cache', fastify: '5.x', dependencies: ['metrics', 'redis'] },
)

declare module 'fastify' {
  interface FastifyInstance {
    cache: Cache
  }
}
