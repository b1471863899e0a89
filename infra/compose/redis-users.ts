// The users of Redis and what each may do: names of keys separate them, since Redis does not separate them by logical
// database. docs/operations.md shows the same lines, and both services run with nothing more in their tests.

/** How each user proves who it is, as in an ACL file: `>password`, or `#` and its SHA-256. */
export interface RedisLogins {
  readonly auth: string
  readonly content: string
  /** Of a replica, and of the Sentinels. */
  readonly replication?: string
}

/** What every client of the services does to connect, on one server, behind Sentinels or to a Cluster. */
const CONNECT = '+@connection -@admin -@dangerous +info +cluster|slots +cluster|info +cluster|keyslot'
/** Caches and limits. */
const CACHE = '+get +set +exists +hvals +pttl +pexpire +eval +evalsha +publish +subscribe'
/** What a verifier of the log does. */
const FOLLOW = '+xread +xrevrange +hset'

/** Rules of auth: it writes the log, reads what verifiers say, and shows who is logged in. */
const AUTH_RULES = [
  'resetkeys ~{revocations}:* ~active:* ~{active:* ~mirror:whole ~login:* ~ratelimit:* ~{cache:auth}:*',
  'resetchannels &cache:auth',
  `-@all ${CONNECT} ${CACHE} ${FOLLOW}`,
  '+xadd +xrange +xtrim +xlen +xinfo|stream +type +del +hrandfield +hmget +hget +hdel +hkeys +hincrby',
  '+expire +scan +zadd +zrem +zcard +zremrangebyscore',
].join(' ')

/** Rules of a verifier that is registered under this client id: it reads the log and writes its own acks. */
export function verifierRules(clientId: string): string {
  return [
    'resetkeys %R~{revocations}:log %R~{revocations}:beat %R~{revocations}:head',
    `~{revocations}:ack:${clientId}`,
    `resetchannels -@all +select ${FOLLOW}`,
    // For a Cluster alone.
    '+cluster|slots +readonly +readwrite +client|setname',
  ].join(' ')
}

/** Rules of content: a verifier with a cache, which also counts requests together with auth. */
const CONTENT_RULES = [
  'resetkeys %R~{revocations}:log %R~{revocations}:beat %R~{revocations}:head ~{revocations}:ack:content',
  '~ratelimit:* ~{cache:content}:*',
  'resetchannels &cache:content',
  `-@all ${CONNECT} ${CACHE} ${FOLLOW}`,
].join(' ')

/** Rules of a replica, and of the Sentinels. */
const REPLICATION_RULES = [
  'resetkeys allchannels -@all +psync +replconf +ping +info +role +subscribe +publish +multi +exec',
  '+slaveof +config|rewrite +client|setname +client|kill +script|kill',
].join(' ')

/** Lines of an ACL file. */
export function redisUsers({ auth, content, replication }: RedisLogins): string[] {
  return [
    'user default off',
    'user health on nopass resetkeys resetchannels -@all +ping',
    `user auth on ${auth} ${AUTH_RULES}`,
    `user content on ${content} ${CONTENT_RULES}`,
    ...(replication === undefined ? [] : [`user replication on ${replication} ${REPLICATION_RULES}`]),
  ]
}
