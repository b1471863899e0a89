import { isIPv4 } from 'node:net'
import { callbackify } from 'node:util'
import fp from 'fastify-plugin'
import rateLimitPlugin, { normalizeIP } from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { problem } from '../problems/problem.ts'
import type { RedisClient } from '../stores/redis-client.ts'
import { RequestCounter } from './counter.ts'

const WINDOW_SECONDS = 60
const WINDOW_MS = WINDOW_SECONDS * 1000
/** What one subscriber has of IPv6. */
const IPV6_SUBNET = 64

export interface RateLimitOptions {
  /** Requests a minute and caller; 0 sets no limit. */
  readonly max: number
  /** Shared by all instances; without it, or while it is away, each counts for itself. */
  readonly redis?: RedisClient
  /** Services that share a Redis count together if they share this; `ratelimit:` by default. */
  readonly prefix?: string
  /** Who is calling, such as `user:<id>`; undefined or a rejection means that the address counts. */
  readonly keyOf?: KeyOf<Caller>
  readonly now?: () => number
}

// Brings the type of a route's `config.rateLimit` along.
export type { RateLimitPluginOptions } from '@fastify/rate-limit'

export type KeyOf<R = FastifyRequest> = (request: R) => Promise<string | undefined> | string | undefined

/** As much of a request as tells who makes it. */
export type Caller = Pick<FastifyRequest, 'headers' | 'ip'>

/** None where there is no limit. */
export type RateLimitHeaders = Readonly<Partial<Record<'ratelimit-policy' | 'ratelimit', string>>>

/**
 * Limits requests by caller (@fastify/rate-limit over our counter), and tells about it in the `RateLimit` and
 * `RateLimit-Policy` headers of draft-ietf-httpapi-ratelimit-headers-11. A route is not counted with
 * `config: { rateLimit: false }`, and counts by another key with `config: { rateLimitKey }`.
 */
export default fp<RateLimitOptions>(
  async (app, { max, redis, prefix = 'ratelimit:', keyOf, now }) => {
    if (max === 0) {
      app.decorate('countAtOnce', () => ({}))
      return
    }
    const counter = new RequestCounter({ redis, prefix, ...(now !== undefined && { now }) })

    class Store {
      incr(
        key: string,
        done: (error: Error | null, result?: { current: number; ttl: number }) => void,
        windowMs: number,
        limit: number,
      ): void {
        const count = counter.add(key, windowMs, limit)
        const wait = async () => done(null, await count)
        if (count instanceof Promise) void wait()
        else done(null, count)
      }

      child(): Store {
        return this
      }
    }

    await app.register(rateLimitPlugin, { global: false, store: Store })
    const limit = app.createRateLimit({
      max,
      timeWindow: WINDOW_MS,
      keyGenerator: (request) => keyFor(request, keyOf),
    })
    const policy = `"default";q=${max};w=${WINDOW_SECONDS}`

    const told = (remaining: number, seconds: number): RateLimitHeaders => ({
      'ratelimit-policy': policy,
      ratelimit: `"default";r=${remaining};t=${seconds}`,
    })

    const count = async (request: FastifyRequest, reply: FastifyReply) => {
      const found = await limit(request)
      if (found.isAllowed) return
      reply.headers(told(found.remaining, found.ttlInSeconds))
      if (found.isExceeded) {
        throw problem('RATE_LIMITED', { headers: { 'retry-after': String(found.ttlInSeconds) } })
      }
    }
    const countHook = callbackify(count)
    /** Nearly every request is of a caller who is far from the limit: the same without the plugin's promises. */
    const countAtOnce = (key: string | Promise<string>): RateLimitHeaders | undefined => {
      const counted = typeof key === 'string' ? counter.addAtOnce(key, WINDOW_MS, max) : undefined
      return counted && told(max - counted.current, Math.ceil(counted.ttl / 1000))
    }
    app.decorate('countAtOnce', (caller) => countAtOnce(keyBy(keyOf, caller)))

    app.addHook('onRequest', (request, reply, done) => {
      const { rateLimit, rateLimitByBody } = request.routeOptions.config
      if (rateLimit === false || rateLimitByBody === true) return done()
      const headers = countAtOnce(keyFor(request, keyOf))
      if (headers === undefined) return countHook(request, reply, done)
      reply.headers(headers)
      done()
    })
    app.addHook('onRoute', (route) => {
      if (route.config?.rateLimitByBody !== true || route.config.rateLimit === false) return
      route.preValidation = [count, ...[route.preValidation ?? []].flat()]
    })
    app.addHook('onClose', async () => counter.close())
  },
  { name: 'rate-limit', fastify: '5.x' },
)

/** Who has the address: all addresses of one IPv6 subscriber are one, and IPv4 is the same inside of IPv6. */
export function subscriberOf(ip: string): string {
  return isIPv4(ip) ? ip : normalizeIP(ip, IPV6_SUBNET)
}

function keyFor(request: FastifyRequest, keyOf: KeyOf<Caller> | undefined): string | Promise<string> {
  return keyBy(request.routeOptions.config.rateLimitKey ?? keyOf, request)
}

function keyBy<R extends Caller>(keyOf: KeyOf<R> | undefined, request: R): string | Promise<string> {
  const byAddress = () => `address:${subscriberOf(request.ip)}`
  try {
    const key = keyOf?.(request)
    return key instanceof Promise
      ? key.then((found) => found ?? byAddress(), byAddress)
      : (key ?? byAddress())
  } catch {
    return byAddress()
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Counts a request that no hook has seen, and gives the headers that tell of it: undefined, and nothing is counted,
     * if the caller may be near the limit.
     */
    countAtOnce: (caller: Caller) => RateLimitHeaders | undefined
  }

  interface FastifyContextConfig {
    /** Who is calling, where that is not told by an access token. */
    rateLimitKey?: KeyOf
    /** The key is told by the body, so the request is counted when that has been read, before it is validated. */
    rateLimitByBody?: boolean
  }
}
