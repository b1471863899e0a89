import type { App } from '@portcullis/service-kit'
import { Redis } from 'ioredis'
import t from 'tap'
import type {} from '../src/plugins/login-throttle.ts'
import { ACCOUNT_WALL, PAIR_WALL } from '../src/passwords/login-throttle/decide.ts'
import { callOf, startAuth, statusesOf, type Answer } from './support/auth.ts'

const SETTINGS = { LOGIN_THROTTLE: 'on', TRUST_PROXY: '127.0.0.1' }
const WRONG = 'not the password'

/** A login from an address. */
function loginFrom(call: ReturnType<typeof callOf>, address: string, username: string, password = WRONG) {
  const headers = { 'x-forwarded-for': address }
  return call('POST', '/api/v1/login', { body: { username, password }, headers })
}

async function times<T>(count: number, act: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let index = 0; index < count; index++) results.push(await act(index))
  return results
}

/** What tells answers apart, but for the id of the request. */
const shown = ({ status, headers, body: { instance: _instance, ...body } }: Answer) => ({
  status,
  body,
  retryAfter: headers['retry-after'],
})

t.test('login', async (t) => {
  const auth = await startAuth(t, SETTINGS)
  const login = (address: string, username: string, password?: string) =>
    loginFrom(auth.call, address, username, password)

  await t.test('is refused after ten failures, for longer after each', async (t) => {
    const { username, password } = await auth.newUser()
    const first = await times(PAIR_WALL.free, () => login('192.0.2.1', username))
    t.ok(first.every(({ status }) => status === 401))
    for (const seconds of [1, 2, 4]) {
      const refused = await login('192.0.2.1', username, password)
      t.equal(refused.status, 429)
      t.equal(refused.body.code, 'AUTH_LOGIN_THROTTLED')
      t.equal(refused.headers['retry-after'], String(seconds))
      await auth.advance(seconds * 1000)
      t.equal((await login('192.0.2.1', username)).status, 401)
    }
    await auth.advance(8000)
    t.equal((await login('192.0.2.1', username, password)).status, 200)
    t.equal((await login('192.0.2.1', username)).status, 401, 'a success resets the count')
    t.equal((await login('192.0.2.1', username)).status, 401)
  })

  await t.test('tells names that there are from those that there are not by nothing', async (t) => {
    const user = await auth.newUser({ email: 'There@example.com' })
    const disabled = await auth.newUser()
    await auth.app.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', disabled.id).execute()
    const attempts = async (address: string, name: string, password?: string) =>
      (await times(PAIR_WALL.free + 2, () => login(address, name, password))).map(shown)
    const known = await attempts('192.0.2.2', user.username)
    t.strictSame(await attempts('192.0.2.2', 'nobody-at-all'), known)
    t.strictSame(await attempts('192.0.2.2', 'there@example.com'), known)
    t.strictSame(await attempts('192.0.2.2', disabled.username, disabled.password), known)
  })

  await t.test('counts a name alike however it is written', async (t) => {
    const { username } = await auth.newUser()
    await times(PAIR_WALL.free, (index) =>
      login('192.0.2.3', index % 2 === 0 ? username : username.toUpperCase()),
    )
    t.equal((await login('192.0.2.3', username)).status, 429)
  })

  await t.test('from another address is not refused, nor as another user', async (t) => {
    const [one, other] = [await auth.newUser(), await auth.newUser()]
    await times(PAIR_WALL.free, () => login('192.0.2.4', one.username))
    t.equal((await login('192.0.2.4', one.username, one.password)).status, 429)
    t.equal((await login('192.0.2.5', one.username, one.password)).status, 200)
    t.equal((await login('192.0.2.4', other.username, other.password)).status, 200)
    t.equal(
      (await login('192.0.2.4', one.username, one.password)).status,
      429,
      'a success resets its own pair only',
    )
  })

  await t.test(
    'from many addresses meets a wall of five seconds, but not where the user is at home',
    async (t) => {
      const user = await auth.newUser()
      t.equal((await login('198.51.100.1', user.username, user.password)).status, 200)
      await times(ACCOUNT_WALL.free, (index) => login(`203.0.113.${index}`, user.username))
      await times(6, async (index) => {
        await auth.advance(5000)
        t.equal((await login(`203.0.113.${100 + index}`, user.username)).status, 401)
      })
      const stranger = await login('203.0.113.200', user.username, user.password)
      t.equal(stranger.status, 429)
      t.equal(stranger.headers['retry-after'], '5')
      t.equal((await login('198.51.100.1', user.username, user.password)).status, 200)
      t.equal((await login('203.0.113.201', user.username, user.password)).status, 429)
      await auth.advance(5000)
      t.equal((await login('203.0.113.201', user.username, user.password)).status, 200)
    },
  )

  await t.test('counts the addresses of one IPv6 subscriber as one', async (t) => {
    const { username } = await auth.newUser()
    await times(PAIR_WALL.free, (index) => login(`2001:db8:1:2::${index + 1}`, username))
    t.equal((await login('2001:db8:1:2:ffff::1', username)).status, 429)
    t.equal((await login('2001:db8:1:3::1', username)).status, 401)
  })

  await t.test('in parallel gives no more guesses than in turn', async (t) => {
    const { username } = await auth.newUser()
    const answers = await Promise.all(Array.from({ length: 40 }, () => login('192.0.2.6', username)))
    const statuses = statusesOf(answers)
    t.equal(statuses.filter((status) => status === 401).length, PAIR_WALL.free)
    t.equal(statuses.filter((status) => status === 429).length, 40 - PAIR_WALL.free)
  })

  await t.test('is counted for all instances together', async (t) => {
    const { username } = await auth.newUser()
    const other = callOf(await auth.another())
    await times(PAIR_WALL.free, (index) =>
      loginFrom(index % 2 === 0 ? auth.call : other, '192.0.2.7', username),
    )
    t.equal((await login('192.0.2.7', username)).status, 429)
    t.equal((await loginFrom(other, '192.0.2.7', username)).status, 429)
  })

  await t.test('stands in the history of the user as throttled when it was', async (t) => {
    const user = await auth.newUser()
    await times(PAIR_WALL.free, () => login('192.0.2.8', user.username))
    await auth.app.loginHistory.flush()
    await login('192.0.2.8', user.username)
    await auth.app.loginHistory.flush()
    const rows = await auth.app.db
      .selectFrom('login_history')
      .select('outcome')
      .where('user_id', '=', user.id)
      .orderBy('id', 'desc')
      .execute()
    t.strictSame(
      rows.map((row) => row.outcome),
      ['throttled', ...Array(PAIR_WALL.free).fill('wrong_password')],
    )
  })

  await t.test('leaves neither name nor address of a mailbox in Redis', async (t) => {
    await login('192.0.2.9', 'Ada@example.com')
    const redis = new Redis(auth.redis.url(0))
    t.teardown(() => redis.disconnect())
    const keys = await redis.keys('login:*')
    t.ok(keys.length > 0)
    t.notOk(keys.some((key) => /ada|example/i.test(key)))
    for (const key of keys) t.ok((await redis.pttl(key)) > 0, 'and everything there expires')
  })
})

t.test('an attempt that was not looked at does not count', async (t) => {
  const auth = await startAuth(t, SETTINGS)
  const account = { name: 'name' }
  const busy = () => Promise.reject(new Error('busy'))
  for (let i = 0; i < 30; i++) await t.rejects(auth.app.loginThrottle.attempt(account, '192.0.2.1', busy))
  t.equal(await auth.app.loginThrottle.attempt(account, '192.0.2.1', async () => 'succeeded'), 'succeeded')
})

t.test('the throttle can be turned off', async (t) => {
  const auth = await startAuth(t, { ...SETTINGS, LOGIN_THROTTLE: 'off' })
  const answers = await times(30, () => loginFrom(auth.call, '192.0.2.1', 'nobody'))
  t.ok(answers.every(({ status }) => status === 401))
})

t.test('without Redis each instance goes on by what it has seen', async (t) => {
  const auth = await startAuth(t, SETTINGS)
  const slowestOf = async (app: App, count: number, username: string): Promise<[number[], number]> => {
    let slowest = 0
    const answers = await times(count, async () => {
      const startedAt = performance.now()
      const answer = await loginFrom(callOf(app), '192.0.2.1', username)
      slowest = Math.max(slowest, performance.now() - startedAt)
      return answer
    })
    return [statusesOf(answers), slowest]
  }
  const { username } = await auth.newUser()
  await slowestOf(auth.app, PAIR_WALL.free - 2, username)
  await auth.redis.kill()

  await t.test('failures before the loss count on', async (t) => {
    const [statuses, slowest] = await slowestOf(auth.app, 4, username)
    t.strictSame(statuses, [401, 401, 429, 429])
    t.ok(slowest < 1000, `slowest answer ${slowest.toFixed()} ms`)
  })

  await t.test('a new account has its ten attempts and no more', async (t) => {
    const [statuses, slowest] = await slowestOf(auth.app, PAIR_WALL.free + 5, 'somebody-else')
    t.equal(statuses.filter((status) => status === 401).length, PAIR_WALL.free)
    t.equal(statuses.filter((status) => status === 429).length, 5)
    t.ok(slowest < 1000, `slowest answer ${slowest.toFixed()} ms`)
  })
})

t.test('a Redis that hangs is waited for once a second at most', async (t) => {
  const auth = await startAuth(t, SETTINGS)
  await auth.newUser()
  auth.redis.pause()
  t.teardown(() => auth.redis.resume())
  const startedAt = performance.now()
  const answers = await times(PAIR_WALL.free + 5, () => loginFrom(auth.call, '192.0.2.1', 'nobody'))
  t.equal(answers.filter(({ status }) => status === 429).length, 5)
  t.ok(performance.now() - startedAt < 1500)
})
