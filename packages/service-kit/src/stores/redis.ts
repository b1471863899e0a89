import fp from 'fastify-plugin'
import fastifyRedis from '@fastify/redis'
import { connectRedis, untilRedisReady, type RedisClient } from './redis-client.ts'

export interface RedisPluginOptions {
  readonly url: string
  readonly name: string
}

/** `app.redis` (@fastify/redis) over a client that fails fast. Not a condition of readiness: Redis may be away. */
export default fp<RedisPluginOptions>(
  async (app, { url, name }) => {
    const client = connectRedis(url, { name, log: app.log })
    // @fastify/redis would end a start while Redis is away; a client comes to it by itself.
    if (await untilRedisReady(client)) await app.register(fastifyRedis, { client })
    else app.decorate<RedisClient>('redis', client)
    // Not left to @fastify/redis, whose QUIT would fail while Redis is away.
    app.addHook('onClose', async () => client.disconnect())
  },
  { name: 'redis', fastify: '5.x' },
)
