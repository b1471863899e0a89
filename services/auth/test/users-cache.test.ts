import t from 'tap'
import type {} from '@fastify/redis'
import type { App } from '@portcullis/service-kit'
import type { ListedUser, TokenPair } from '@portcullis/schemas'
import { callOf, startAuth } from './support/auth.ts'
import { until } from './support/until.ts'

/** How far another instance may be behind, in ms, and what a busy machine adds. */
const BEHIND_MS = 100 + 400

t.test('what is cached of users', async (t) => {
  const auth = await startAuth(t)
  const second = await auth.another()
  const other = callOf(second)
  const admin = await auth.login(await auth.newUser({ roles: ['admin'] }))
  const me = (call: typeof auth.call, pair: TokenPair) =>
    call('GET', '/api/v1/users/me', { token: pair.access_token })
  const newest = async (call: typeof auth.call, pair = admin): Promise<ListedUser[]> => {
    const { body } = await call('GET', '/api/v1/users', { token: pair.access_token })
    return body.items
  }
  // Both tiers count some time after the start only.
  await until(async () => {
    await newest(auth.call)
    const before = await readsFrom(auth.app, 'memory')
    await newest(auth.call)
    return (await readsFrom(auth.app, 'memory')) > before
  })

  await t.test('is read from the database once', async (t) => {
    const pair = await auth.login(await auth.newUser())
    await me(auth.call, pair)
    await newest(auth.call, pair)
    const before = await readsFrom(auth.app, 'database')
    for (let i = 0; i < 5; i++) {
      t.equal((await me(auth.call, pair)).status, 200)
      await newest(auth.call, pair)
    }
    t.equal(await readsFrom(auth.app, 'database'), before)
  })

  await t.test('is void on the next read where a user changed, and soon on other instances', async (t) => {
    const user = await auth.newUser()
    let pair = await auth.login(user)
    const patch = async (body: object) => {
      const answer = await auth.call('PATCH', '/api/v1/users/me', { token: pair.access_token, body })
      pair = answer.body
    }
    for (let round = 0; round < 20; round++) {
      await me(other, pair)
      await newest(other)
      await patch({ full_name: `Name ${round}`, username: `cached-${round}` })
      const changedAt = performance.now()
      t.equal((await me(auth.call, pair)).body.full_name, `Name ${round}`)
      t.equal((await newest(auth.call))[0]?.username, `cached-${round}`)
      await until(async () => (await me(other, pair)).body.full_name === `Name ${round}`)
      await until(async () => (await newest(other))[0]?.username === `cached-${round}`)
      const behind = performance.now() - changedAt
      if (behind > BEHIND_MS) t.fail(`${behind} ms behind`)
    }
  })

  await t.test('shows who signs up and not who is gone', async (t) => {
    const user = await auth.newUser()
    t.equal((await newest(auth.call))[0]?.id, user.id)
    const pair = await auth.login(user)
    await auth.call('DELETE', '/api/v1/users/me', { token: pair.access_token })
    t.not((await newest(auth.call))[0]?.id, user.id)
  })

  await t.test('shows admins the roles and the status of now', async (t) => {
    const user = await auth.newUser()
    const change = async (path: string, body: object) => {
      const { status } = await auth.call('PUT', `/api/v1/users/${user.id}/${path}`, {
        token: admin.access_token,
        body,
      })
      t.equal(status, 200)
      const one = await auth.call('GET', `/api/v1/users/${user.id}`, { token: admin.access_token })
      return [one.body, (await newest(auth.call))[0]]
    }
    for (const roles of [['moderator', 'user'], ['user']])
      for (const shown of await change('roles', { roles })) t.match(shown, { id: user.id, roles })
    for (const status of ['disabled', 'active'])
      for (const shown of await change('status', { status })) t.match(shown, { id: user.id, status })
  })

  await t.test('never shows users what admins see', async (t) => {
    const pair = await auth.login(await auth.newUser({ email: 'for-admins@example.com' }))
    t.equal((await newest(auth.call))[0]?.email, 'for-admins@example.com')
    t.notOk('email' in ((await newest(auth.call, pair))[0] ?? {}))
  })

  await t.test('is off while Redis is away, and everything still works and is fresh', async (t) => {
    const user = await auth.newUser()
    const pair = await auth.login(user)
    await me(other, pair)
    await auth.redis.kill()
    await until(() => [auth.app, second].every((app) => app.redis.status !== 'ready'))
    const rename = async (full_name: string) =>
      auth.app.transact(async (trx) => {
        await trx.updateTable('users').set({ full_name }).where('id', '=', user.id).execute()
        return { value: undefined, touched: user.id }
      })
    for (const name of ['One', 'Two', 'Three']) {
      await rename(name)
      t.equal((await me(auth.call, pair)).body.full_name, name)
      t.equal((await newest(auth.call))[0]?.id, user.id)
    }
    await auth.redis.restart()
    await until(() => [auth.app, second].every((app) => app.redis.status === 'ready'))
    await rename('Four')
    t.equal((await me(auth.call, pair)).body.full_name, 'Four')
    await until(async () => (await me(other, pair)).body.full_name === 'Four')
  })
})

/** How often the cache was answered from there. */
async function readsFrom(app: App, source: string): Promise<number> {
  const metric = await app.metrics.getSingleMetric('cache_reads_total')?.get()
  return metric?.values.find(({ labels }) => labels['source'] === source)?.value ?? 0
}
