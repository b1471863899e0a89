import t from 'tap'
import { parseRedisUrl } from '@portcullis/token-verifier/redis'
import { WRONG_URLS } from './support/wrong-urls.ts'

t.test('a server is left to ioredis', (t) => {
  t.strictSame(parseRedisUrl('redis://127.0.0.1:6379/1'), { kind: 'server', tls: false })
  t.match(parseRedisUrl('rediss://user:p%40ss@redis.example.com'), {
    kind: 'server',
    tls: true,
    password: 'p@ss',
  })
  t.end()
})

t.test('Sentinels: all of them, the name of the primary, the database and both logins', (t) => {
  const url =
    'rediss-sentinel://user:p%2Fw@a.example:26380/2?node=b.example&node=[::1]:26381&sentinelServiceName=main' +
    '&sentinelUsername=s&sentinelPassword=t%26u'
  t.strictSame(parseRedisUrl(url), {
    kind: 'sentinel',
    tls: true,
    username: 'user',
    password: 'p/w',
    db: 2,
    nodes: [
      { host: 'a.example', port: 26_380 },
      { host: 'b.example', port: 26_379 },
      { host: '::1', port: 26_381 },
    ],
    name: 'main',
    sentinelUsername: 's',
    sentinelPassword: 't&u',
  })
  t.end()
})

t.test('a Cluster: its nodes, and no database', (t) => {
  t.strictSame(parseRedisUrl('redis-cluster://10.0.0.1?node=10.0.0.2:7000'), {
    kind: 'cluster',
    tls: false,
    nodes: [
      { host: '10.0.0.1', port: 6379 },
      { host: '10.0.0.2', port: 7000 },
    ],
  })
  t.match(parseRedisUrl('redis-cluster://10.0.0.1/0'), { kind: 'cluster' })
  t.end()
})

t.test('what is wrong is said, without the text', (t) => {
  for (const [url, message] of Object.entries(WRONG_URLS)) t.throws(() => parseRedisUrl(url), { message })
  t.end()
})
