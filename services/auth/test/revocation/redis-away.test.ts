import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test as TapTest } from 'tap'
import { StaleError } from '@portcullis/token-verifier'
import { callOf, startAuth } from '../support/auth.ts'
import { registerClient } from '../support/client.ts'
import { untilWhole } from '../support/log.ts'
import { until } from '../support/until.ts'
import { countAccepting, openRedis, startVerifier } from '../support/verifiers.ts'

t.test('what happens to Redis', async (t) => {
  const auth = await startAuth(t)
  const another = await auth.another()
  await auth.app.listen({ host: '127.0.0.1', port: 0 })
  const authUrl = auth.app.listeningOrigin
  const { client_secret } = await registerClient(auth, { id: 'content', scopes: ['revocations:read'] })
  const feed = { authUrl, clientSecret: client_secret }
  const redis = openRedis(t, auth)
  const verifiers = [
    await startVerifier(t, auth),
    await startVerifier(t, auth),
    await startVerifier(t, auth, { feed }),
    await startVerifier(t, auth, { feed, hasRedis: false }),
  ]
  const untilReady = () => until(() => verifiers.every((verifier) => verifier.ready), 'all are ready again')
  const calls = [auth.call, callOf(another)]
  const users = [await auth.newUser(), await auth.newUser()]

  /** Logs out on one of the instances; a 200 has to mean that nobody accepts the token. */
  const logout = async (t: TapTest, index: number, harm?: () => Promise<unknown>) => {
    const { access_token } = await auth.login(users[index % 2] ?? (await auth.newUser()))
    const answer = (calls[index % 2] ?? auth.call)('POST', '/api/v1/logout', { token: access_token })
    await harm?.()
    const { status } = await answer
    if (status === 200 && (await countAccepting(verifiers, access_token)) > 0) t.fail('accepted after a 200')
    else if (status !== 200 && status !== 202) t.fail(`logout answered ${status}`)
    return { token: access_token, status }
  }
  const untilDead = async (tokens: readonly { token: string }[]) => {
    await untilReady()
    await untilWhole(auth, redis)
    const fresh = await startVerifier(t, auth)
    for (const { token } of tokens)
      await until(
        async () => (await countAccepting([...verifiers, fresh], token)) === 0,
        'all are dead everywhere',
      )
    await fresh.close()
  }

  await t.test(
    'FLUSHALL at any moment, inside a barrier too: nobody accepts a token after its 200',
    async (t) => {
      const ended: { token: string; status: number }[] = []
      for (let i = 0; i < 60; i++)
        ended.push(await logout(t, i, () => sleep(i % 6).then(() => redis.flushall())))
      t.ok(ended.some(({ status }) => status === 200))
      await untilDead(ended)
      t.pass('and no token came back to life')
    },
  )

  await t.test('Redis restarted empty under load', async (t) => {
    const ended: { token: string }[] = []
    for (let round = 0; round < 3; round++)
      for (let i = 0; i < 10; i++)
        ended.push(await logout(t, i, i === 4 ? () => auth.redis.restart() : undefined))
    await untilDead(ended)
    t.pass('and no token came back to life')
  })

  await t.test('connections killed again and again', async (t) => {
    const ended: { token: string }[] = []
    for (let i = 0; i < 30; i++)
      ended.push(await logout(t, i, () => redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')))
    await untilDead(ended)
    t.pass('and no token came back to life')
  })

  for (const [title, away, back] of [
    ['Redis killed for seconds', () => auth.redis.kill(), () => auth.redis.restart()],
    ['Redis frozen for seconds', () => auth.redis.pause(), () => auth.redis.resume()],
  ] as const)
    await t.test(`${title}: the feed carries the log, and whoever has none refuses to answer`, async (t) => {
      await untilReady()
      const live = await auth.login(await auth.newUser())
      await away()
      const withoutFeed = verifiers.slice(0, 2)
      const withFeed = verifiers.slice(2)
      const ended = [await logout(t, 0), await logout(t, 1)]
      await until(() => withoutFeed.every((verifier) => !verifier.ready), 'those without a feed are too old')
      for (const verifier of withoutFeed)
        await t.rejects(
          verifier.verify(live.access_token),
          new StaleError('AUTH_REVOCATIONS_STALE', 'the replica is too old'),
        )
      await until(() => withFeed.every((verifier) => verifier.ready))
      t.equal(await countAccepting(withFeed, live.access_token), withFeed.length)
      await until(async () => {
        const answer = await logout(t, 0)
        ended.push(answer)
        return answer.status === 200
      }, 'nobody waits any more for those who refuse everything')
      t.ok(ended.length > 1)
      await back()
      await untilDead(ended)
      t.equal(await countAccepting(verifiers, live.access_token), verifiers.length)
    })
})
