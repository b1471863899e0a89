import t, { type Test } from 'tap'
import { Redis } from 'ioredis'
import { revocationKeys } from '@portcullis/schemas'
import type {} from '@fastify/redis'
import type {} from '../src/plugins/sessions.ts'
import { startAuth, type TestUser } from './support/auth.ts'
import { decodeJwt } from './support/jwt.ts'
import { until } from './support/until.ts'

async function start(t: Test) {
  const auth = await startAuth(t)
  const connect = (db: number) => {
    const client = new Redis(auth.redis.url(db), { maxRetriesPerRequest: null })
    client.on('error', () => undefined)
    t.teardown(() => client.disconnect())
    return client
  }
  const [revocations, sessions] = [connect(1), connect(2)]
  const shown = async (user: TestUser) => sessions.hgetall(`active:${user.id}`)
  return { auth, revocations, sessions, shown }
}

const sidOf = (pair: { access_token: string }): string => decodeJwt(pair.access_token).sid

t.test('the sessions in Redis', async (t) => {
  const { auth, revocations, sessions, shown } = await start(t)
  const logout = (token: string) => auth.call('POST', '/api/v1/logout', { token })
  const refresh = (refresh_token: string) => auth.call('POST', '/api/v1/refresh', { body: { refresh_token } })

  await t.test('show a login with its generation and device, and never a token', async (t) => {
    const user = await auth.newUser()
    const pair = await auth.login(user)
    const all = await shown(user)
    t.strictSame(Object.keys(all), [sidOf(pair)])
    const text = all[sidOf(pair)] ?? ''
    t.match(JSON.parse(text), {
      gen: 1,
      ip: '127.0.0.1',
      user_agent: String,
      last_used_at: String,
      expires_at: String,
    })
    t.notMatch(text, /eyJ|token|kid/)
    await refresh(pair.refresh_token)
    t.equal(JSON.parse((await shown(user))[sidOf(pair)] ?? '').gen, 2)
  })

  await t.test('show no session after its logout, and its event stands among the revocations', async (t) => {
    const user = await auth.newUser()
    const [gone, stays] = [await auth.login(user), await auth.login(user)]
    await logout(gone.access_token)
    t.strictSame(Object.keys(await shown(user)), [sidOf(stays)])
    await until(async () => (await revocations.get(revocationKeys.event('session', sidOf(gone)))) === '0')
  })

  await t.test('come back by themselves after FLUSHALL, and so does the event of a logout', async (t) => {
    const user = await auth.newUser()
    const [gone, stays] = [await auth.login(user), await auth.login(user)]
    await logout(gone.access_token)
    const before = await shown(user)
    await sessions.flushall()
    await until(async () => (await revocations.get(revocationKeys.event('session', sidOf(gone)))) === '0')
    await until(async () => Object.keys(await shown(user)).length > 0)
    t.strictSame(await shown(user), before)
    t.notOk(before[sidOf(gone)])
    t.equal((await auth.call('GET', '/api/v1/users/me', { token: gone.access_token })).status, 401)
    t.equal((await auth.call('GET', '/api/v1/users/me', { token: stays.access_token })).status, 200)
  })

  await t.test('follow every way in which a session ends', async (t) => {
    const end = async (how: (token: string, sid: string) => Promise<unknown>) => {
      const user = await auth.newUser()
      const pair = await auth.login(user)
      await how(pair.access_token, sidOf(pair))
      return Object.keys(await shown(user)).includes(sidOf(pair))
    }
    const call = (method: string, path: string) => (token: string, sid: string) =>
      auth.call(method, `/api/v1${path}`.replace('{sid}', sid), {
        token,
        body: path.endsWith('password')
          ? { current_password: 'correct horse battery staple', new_password: 'another long password' }
          : undefined,
      })
    t.equal(await end(call('POST', '/logout_all')), false)
    t.equal(await end(call('DELETE', '/users/me/sessions/{sid}')), false)
    t.equal(await end(call('PUT', '/users/me/password')), false)
    t.equal(await end(call('DELETE', '/users/me')), false)
    t.equal(await end(call('GET', '/users/me')), true)
  })

  await t.test('take no entry of a session that has ended, or of an older generation', async (t) => {
    const { sessionMirror } = auth.app
    const user = await auth.newUser()
    const entry = (id: string, gen: number) => ({
      id,
      gen,
      user_id: user.id,
      ip: null,
      user_agent: null,
      last_used_at: new Date(),
      expires_at: new Date(),
    })
    await sessionMirror.put(entry('late', 1))
    await sessionMirror.drop(user.id, ['late'])
    await sessionMirror.put(entry('late', 2))
    await sessionMirror.put(entry('newer', 3))
    await sessionMirror.put(entry('newer', 2))
    const all = await shown(user)
    t.strictSame(Object.keys(all), ['newer'])
    t.equal(JSON.parse(all['newer'] ?? '').gen, 3)
    await sessionMirror.drop(user.id, [])
  })
})

t.test('while Redis is away', async (t) => {
  const { auth, sessions, shown } = await start(t)
  const user: TestUser = await auth.newUser()
  const [ends, expires, stays] = [await auth.login(user), await auth.login(user), await auth.login(user)]
  const stale = (await shown(user))[sidOf(ends)] ?? ''
  const set = (sid: string, values: { ended_at?: Date; expires_at?: Date }) =>
    auth.app.db.updateTable('sessions').set(values).where('id', '=', sid).execute()

  await t.test('logins are answered, and are shown when it is back', async (t) => {
    await auth.redis.kill()
    await until(() => auth.app.redis.status !== 'ready')
    const later = await auth.login(user)
    await auth.redis.restart()
    await until(async () => Object.keys(await shown(user)).length === 4)
    t.ok((await shown(user))[sidOf(later)])
  })

  await t.test('what has ended or expired unseen is taken out, and what is foreign stays', async (t) => {
    await set(sidOf(ends), { ended_at: new Date() })
    await set(sidOf(expires), { expires_at: new Date(Date.now() - 1000) })
    await sessions.hset(`active:${user.id}`, sidOf(ends), stale)
    await sessions.set('active:foreign', 'x')
    await sessions.del('mirror:whole')
    await until(async () => Object.keys(await shown(user)).length === 2)
    t.ok((await shown(user))[sidOf(stays)])
    await until(async () => (await sessions.exists('mirror:whole')) === 1)
    t.equal(await sessions.get('active:foreign'), 'x')
  })

  await t.test('one that refuses to be written is tried again until it works', async (t) => {
    await sessions.del(`active:${user.id}`)
    await sessions.set(`active:${user.id}`, 'no hash')
    await sessions.del('mirror:whole')
    await auth.login(user)
    await sessions.del(`active:${user.id}`)
    await until(async () => Object.keys(await shown(user)).length === 3)
    t.pass()
  })
})
