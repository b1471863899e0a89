import { faultOfBlanks } from '../blanks.ts'

/** One server, with where it listens. */
export interface RedisNode {
  readonly host: string
  readonly port: number
}

/** What a URL says of a Redis; `redis` and `rediss` are left to ioredis, which reads them itself. */
export type RedisPlace = { readonly tls: boolean; readonly username?: string; readonly password?: string } & (
  | { readonly kind: 'server' }
  | {
      readonly kind: 'sentinel'
      readonly db: number
      readonly nodes: readonly RedisNode[]
      /** Under which the Sentinels know the primary. */
      readonly name: string
      readonly sentinelUsername?: string
      readonly sentinelPassword?: string
    }
  | { readonly kind: 'cluster'; readonly nodes: readonly RedisNode[] }
)

const REDIS_PORT = 6379
const SENTINEL_PORT = 26_379
const KINDS: Readonly<Record<string, RedisPlace['kind']>> = {
  'redis:': 'server',
  'rediss:': 'server',
  'redis-sentinel:': 'sentinel',
  'rediss-sentinel:': 'sentinel',
  'redis-cluster:': 'cluster',
  'rediss-cluster:': 'cluster',
}
/** What may stand behind the question mark; ioredis itself knows more for a single server. */
const PARAMETERS: Readonly<Record<'sentinel' | 'cluster', readonly string[]>> = {
  sentinel: ['node', 'sentinelServiceName', 'sentinelUsername', 'sentinelPassword'],
  cluster: ['node'],
}

/**
 * Reads the address of a Redis; `rediss-…` is the same over TLS:
 *
 * - `redis://[user:password@]host[:6379][/db]`
 * - `redis-sentinel://[user:password@]host[:26379][/db]?sentinelServiceName=NAME[&node=host:port…]
 *   [&sentinelUsername=…][&sentinelPassword=…]`: the host and each node are Sentinels.
 * - `redis-cluster://[user:password@]host[:6379][?node=host:port…]`: the host and each node belong to the Cluster.
 *
 * @throws TypeError that says what is wrong, and repeats nothing of the text, which may hold a password.
 */
export function parseRedisUrl(text: string): RedisPlace {
  const blanks = faultOfBlanks(text)
  if (blanks !== undefined) throw new TypeError(blanks)
  const url = URL.canParse(text) ? new URL(text) : undefined
  const kind = url && KINDS[url.protocol]
  if (!url || !kind) throw new TypeError('is no URL of redis, rediss, redis-sentinel or redis-cluster')
  if (url.hostname === '') throw new TypeError('names no host')
  if (!/^\/?\d{0,4}$/.test(url.pathname)) throw new TypeError('has a database that is not a number')
  if (url.hash !== '') throw new TypeError('has a #, which must be written as %23')
  const shared = {
    tls: url.protocol.startsWith('rediss'),
    ...(url.username !== '' && { username: decode(url.username) }),
    ...(url.password !== '' && { password: decode(url.password) }),
  }
  if (kind === 'server') return { ...shared, kind }
  const query = url.searchParams
  for (const name of new Set(query.keys()))
    if (!PARAMETERS[kind].includes(name))
      throw new TypeError(`has an unknown parameter ${JSON.stringify(name)}`)
  const port = kind === 'sentinel' ? SENTINEL_PORT : REDIS_PORT
  const nodes = [url.host, ...query.getAll('node')].map((node) => parseNode(node, port))
  const db = Number(url.pathname.slice(1))
  if (kind === 'cluster') {
    if (db !== 0) throw new TypeError('names a database, but a Cluster has no other than 0')
    return { ...shared, kind, nodes }
  }
  return { ...shared, kind, db, nodes, ...parseSentinel(query) }
}

function parseSentinel(query: URLSearchParams) {
  const [name, sentinelUsername, sentinelPassword] = [
    'sentinelServiceName',
    'sentinelUsername',
    'sentinelPassword',
  ].map((parameter) => {
    const values = query.getAll(parameter)
    if (values.length > 1) throw new TypeError(`has ${parameter} more than once`)
    return values[0] === '' ? undefined : values[0]
  })
  if (name === undefined) throw new TypeError('has no sentinelServiceName')
  return {
    name,
    ...(sentinelUsername !== undefined && { sentinelUsername }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
  }
}

function parseNode(text: string, defaultPort: number): RedisNode {
  const url = URL.canParse(`redis://${text}`) ? new URL(`redis://${text}`) : undefined
  const isNode = url && url.hostname !== '' && url.host === text && url.port !== '0'
  if (!url || !isNode) throw new TypeError('has a node that is not host:port')
  return {
    // An IPv6 address stands in brackets.
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? defaultPort : Number(url.port),
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new TypeError('has a user or a password with a % that stands for nothing')
  }
}
