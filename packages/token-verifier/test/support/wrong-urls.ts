const NO_URL = 'is no URL of redis, rediss, redis-sentinel or redis-cluster'

const BLANKS = 'has white space or a control character; a blank that is meant is written as %20'

/** URLs that name no Redis, and what is wrong with each. */
export const WRONG_URLS: Readonly<Record<string, string>> = {
  secret: NO_URL,
  'localhost:6379': NO_URL,
  'http://user:secret@h': NO_URL,
  'redis-sentinels://h?sentinelServiceName=m': NO_URL,
  'redis://h/secret': 'has a database that is not a number',
  'redis-cluster://user:secret@h:1/1': 'names a database, but a Cluster has no other than 0',
  'redis-sentinel://user:secret@h:1/1': 'has no sentinelServiceName',
  'redis-sentinel://h?sentinelServiceName=': 'has no sentinelServiceName',
  'redis-sentinel://h?sentinelServiceName=a&sentinelServiceName=b': 'has sentinelServiceName more than once',
  'redis-sentinel://h?sentinelServiceName=m&nodes=secret': 'has an unknown parameter "nodes"',
  'redis-cluster://h?node=': 'has a node that is not host:port',
  'redis-cluster://h?node=user:secret@h': 'has a node that is not host:port',
  'redis-cluster://h?node=redis://h:1': 'has a node that is not host:port',
  'redis-cluster://user:se#cret@h': NO_URL,
  ' redis://user:secret@h': BLANKS,
  'redis://user:secret@h\n': BLANKS,
  'redis://user:sec ret@h': BLANKS,
  'redis://user:sec\tret@h': BLANKS,
  'redis-cluster://user:secret@h\u0000': BLANKS,
  'redis-cluster://user:%secret@h': 'has a user or a password with a % that stands for nothing',
}
