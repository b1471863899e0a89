import t from 'tap'
import { revocationKeys } from '@portcullis/schemas'
import { startCluster } from '@portcullis/test-kit'
import { createRedis } from '@portcullis/token-verifier/redis'
import type {} from '../src/plugins/sessions.ts'
import { startAuth } from './support/auth.ts'
import { registerClient } from './support/client.ts'
import { decodeJwt } from './support/jwt.ts'
import { until } from './support/until.ts'
import { countAccepting, startVerifier } from './support/verifiers.ts'

const USERS = 12

t.test('on a Redis Cluster', async (t) => {
  const cluster = await startCluster(t, { primaries: 3, replicas: 0 })
  const url = cluster.url()
  const auth = await startAuth(t, {
    CACHE_REDIS_URL: url,
    REVOCATION_REDIS_URL: url,
    SESSION_REDIS_URL: url,
    RATE_LIMIT_MAX: '100000',
    LOGIN_THROTTLE: 'on',
  })
  const redis = createRedis(url, { protocol: 2 })
  t.teardown(() => redis.disconnect())
  await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
  const verifier = await startVerifier(t, auth, { redisUrl: url })
  const users = await Promise.all(Array.from({ length: USERS }, () => auth.newUser()))
  const shown = async () => {
    const counts = await Promise.all(users.map(({ id }) => redis.hlen(`active:${id}`)))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  await t.test('sessions are shown on every node, and end everywhere with the answer', async (t) => {
    const pairs = await Promise.all(users.map((user) => auth.login(user)))
    t.equal(await shown(), USERS)
    for (const { access_token } of pairs) {
      t.equal(await countAccepting([verifier], access_token), 1)
      const { status } = await auth.call('POST', '/api/v1/logout', { token: access_token })
      t.equal(status, 200)
      t.equal(await countAccepting([verifier], access_token), 0)
      // The verifier may have heard of it by the feed, before Redis did.
      const event = revocationKeys.event('session', decodeJwt(access_token).sid)
      await until(async () => (await redis.get(event)) === '0', 'the event stands in Redis')
    }
    t.equal(await shown(), 0)
  })

  await t.test('they are shown again after a node has lost them', async (t) => {
    await Promise.all(users.map((user) => auth.login(user)))
    const victim = await cluster.ownerOf(`active:${users[0]?.id ?? ''}`)
    await victim.restart()
    await cluster.untilWhole()
    await until(async () => (await shown().catch(() => 0)) === USERS, 'all are shown')
    t.pass()
  })

  await t.test('failures of logins and requests are counted together by all instances', async (t) => {
    const [user] = users
    if (!user) throw new Error('no user')
    const another = await auth.another()
    const wrong = { username: user.username, password: 'not this one' }
    const statuses: number[] = []
    for (let i = 0; i < 8; i++)
      for (const app of [auth.app, another])
        statuses.push((await app.inject({ method: 'POST', url: '/api/v1/login', payload: wrong })).statusCode)
    t.ok(statuses.includes(429))
    // An instance asks for the count with its first request; the node that holds it may just have lost it.
    await until(async () => {
      await (await auth.another()).inject('/api/v1/users')
      return (await redis.exists('ratelimit:address:127.0.0.1')) === 1
    }, 'requests are counted in Redis')
  })
})
