import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { LONGEST_MAX_AGE_SECONDS } from '@portcullis/schemas'
import { systemClock } from './clock.ts'
import { chooseCarrier, type Follower } from './follow/choose-carrier.ts'
import { FeedFollower, type FeedOptions } from './follow/feed-follower.ts'
import type { Observer } from './follow/observer.ts'
import { RedisFollower, type FollowerClient } from './follow/redis-follower.ts'
import { jwksKeys } from './keys/jwks.ts'
import type { KeySource } from './keys/source.ts'
import { functionOf, httpUrl, objectOf, seconds, text, withFunctions } from './options.ts'
import { Member } from './replica/member.ts'
import { createRedis } from './redis/client.ts'
import { parseRedisUrl, type RedisPlace } from './redis/url.ts'
import { Replica } from './replica/replica.ts'
import { TokenCheck, type TokenRules } from './token-check.ts'
import { Verifier } from './verifier.ts'

/** Beyond the life of a token its revocation means nothing. */
const LONGEST_AGE_SECONDS = 3600
const REPLICA_FUNCTIONS = ['age', 'isRevoked', 'isDisowned', 'reached', 'onChange', 'onDeadKey'] as const
const VERIFIER_FUNCTIONS = ['start', 'verify', 'check', 'checkForm', 'keyFor', 'close'] as const

/**
 * Options of ioredis for a client that follows the log. It connects when told to, fails at once, and leaves trying
 * again to the follower.
 */
export const followerRedisOptions = {
  lazyConnect: true,
  connectTimeout: 500,
  // Holds the process for so long after each attempt that failed.
  disconnectTimeout: 100,
  retryStrategy: null,
  sentinelRetryStrategy: () => null,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  // INFO and CLIENT are more than a verifier's user in Redis is granted.
  enableReadyCheck: false,
  disableClientInfo: true,
  autoResendUnfulfilledCommands: false,
  // Version 3 answers XREAD with a map.
  protocol: 2,
} as const

export interface CreateVerifierOptions extends TokenRules {
  /** Address of the issuer's JWK Set. Either this or `keys`. */
  jwksUrl?: string | undefined
  keys?: KeySource | undefined
  /** Redis that carries the revocation log: a server, Sentinels or a Cluster, see `parseRedisUrl`. */
  redisUrl?: string | undefined
  /** Instead of `redisUrl`: makes a new client of ioredis, with `followerRedisOptions` or it is never ready. */
  redis?: (() => FollowerClient) | undefined
  /** The log over HTTP: alone, or for when Redis is silent. */
  feed?: FeedOptions | undefined
  /** Instead of following the log: a replica that the caller keeps up to date. */
  replica?: Replica | undefined
  /** The registered client that this verifier belongs to. Needed to follow the log. */
  clientId?: string | undefined
  /** Begins the name under which this process is known to the log's writer. Default: the host's name. */
  name?: string | undefined
  /**
   * Strict routes, which is the default, refuse to answer from a replica older than this. Default 2; at most 60, or
   * 3600 with a `replica` of the caller's.
   */
  maxStalenessSeconds?: number | undefined
  /**
   * Routes that are marked bounded answer up to this age, which is above `maxStalenessSeconds` and has the same limits.
   * Default: there are no such routes.
   */
  boundedStalenessSeconds?: number | undefined
  observer?: Observer | undefined
}

/**
 * A verifier of access tokens. Call `start()` before use and `close()` at the end.
 *
 * @throws TypeError if the options do not say where keys and revocations come from, or one of them cannot be what it
 * is meant for; it names the option.
 */
export function createVerifier(options: CreateVerifierOptions): Verifier {
  objectOf('options', options)
  const clock = withFunctions('clock', options.clock ?? systemClock, ['now', 'monotonic'])
  const own = () => new Replica({ clock, yieldsToEpochs: true })
  const replica = withFunctions('replica', options.replica ?? own(), REPLICA_FUNCTIONS)
  const longest = options.replica ? LONGEST_AGE_SECONDS : LONGEST_MAX_AGE_SECONDS
  const maxStalenessSeconds = seconds('maxStalenessSeconds', options.maxStalenessSeconds ?? 2, longest)
  const boundedStalenessSeconds = boundOf(options.boundedStalenessSeconds, maxStalenessSeconds, longest)
  return new Verifier({
    check: new TokenCheck(options),
    keys: keySource(options),
    onKeysFailed: (error) => options.observer?.keysFailed?.(error),
    replica,
    follower: options.replica
      ? undefined
      : follower(options, replica, Math.max(maxStalenessSeconds, boundedStalenessSeconds)),
    maxStalenessSeconds,
    boundedStalenessSeconds,
  })
}

function boundOf(bound: number | undefined, strict: number, longest: number): number {
  if (bound === undefined) return strict
  if (seconds('boundedStalenessSeconds', bound, longest) > strict) return bound
  throw new TypeError(`boundedStalenessSeconds must be above maxStalenessSeconds, which is ${strict}`)
}

/** The verifier that an adapter is given, or one that it makes. @throws TypeError as `createVerifier` */
export function verifierOf(
  options: CreateVerifierOptions | { verifier: Verifier },
  create: (options: CreateVerifierOptions) => Verifier = createVerifier,
): Verifier {
  objectOf('options', options)
  return 'verifier' in options
    ? withFunctions('verifier', options.verifier, VERIFIER_FUNCTIONS)
    : create(options)
}

function keySource({ keys, jwksUrl, algorithm, clock, observer }: CreateVerifierOptions): KeySource {
  if (keys !== undefined) return withFunctions('keys', keys, ['find'])
  if (jwksUrl === undefined) throw new TypeError('jwksUrl or keys is needed')
  return jwksKeys({
    url: httpUrl('jwksUrl', jwksUrl),
    algorithm,
    clock,
    onError: (error) => observer?.keysFailed?.(error),
  })
}

function follower(options: CreateVerifierOptions, replica: Replica, maxAgeSeconds: number): Follower {
  const { clientId, redisUrl, feed, clock = systemClock, observer = {} } = options
  const redis = options.redis === undefined ? undefined : functionOf('redis', options.redis)
  const connect = redis ?? (redisUrl ? connectTo(redisUrl) : undefined)
  if (!connect && !feed) throw new TypeError('redisUrl, redis, feed or replica is needed')
  if (clientId === undefined) throw new TypeError('clientId is needed to follow the revocation log')
  text('clientId', clientId)
  objectOf('observer', observer)
  const member = new Member({
    name: instanceName(text('name', options.name ?? hostname())),
    replica,
    maxAgeSeconds,
    clock,
    onState: (state) => observer.state?.(state),
  })
  const shared = { clientId, member, replica, clock, observer }
  return chooseCarrier({
    redis: connect && new RedisFollower({ ...shared, connect }),
    feed: feed && new FeedFollower({ ...shared, ...checkedFeed(feed) }),
    observer,
  })
}

function checkedFeed(feed: FeedOptions): FeedOptions {
  const { authUrl, clientSecret, fetch } = objectOf('feed', feed)
  if (fetch !== undefined) functionOf('feed.fetch', fetch)
  return {
    ...feed,
    authUrl: httpUrl('feed.authUrl', authUrl),
    clientSecret: text('feed.clientSecret', clientSecret),
  }
}

function connectTo(redisUrl: string): () => FollowerClient {
  const { kind } = placeOf(redisUrl)
  // A Cluster connects to a node when it first has a command for it.
  const options = { ...followerRedisOptions, enableOfflineQueue: kind === 'cluster' }
  return () => createRedis(redisUrl, options)
}

function placeOf(redisUrl: string): RedisPlace {
  try {
    return parseRedisUrl(redisUrl)
  } catch (error) {
    throw new TypeError(`redisUrl ${error instanceof Error ? error.message : 'is wrong'}`, { cause: error })
  }
}

/** Never the same for two process starts, so that nobody is taken for one that was there before. */
function instanceName(prefix: string): string {
  return `${prefix.replaceAll(/[^\w.-]/g, '_').slice(0, 64)}:${randomBytes(6).toString('hex')}`
}
