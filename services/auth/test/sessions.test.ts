import t from 'tap'
import { startAuth, statusesOf } from './support/auth.ts'
import { endExcess } from '../src/features/login/excess.ts'
import { onlyForUsers } from './support/guards.ts'
import { decodeJwt } from './support/jwt.ts'

const PATH = '/api/v1/users/me/sessions'

t.test('the sessions of a user', async (t) => {
  const auth = await startAuth(t)
  const list = (token: string, query = '') => auth.call('GET', `${PATH}${query}`, { token })
  const end = (token: string, id: string) => auth.call('DELETE', `${PATH}/${id}`, { token })
  const logoutAll = (token: string) => auth.call('POST', '/api/v1/logout_all', { token })
  const me = (token: string) => auth.call('GET', '/api/v1/users/me', { token })
  const refresh = (refresh_token: string, headers = {}) =>
    auth.call('POST', '/api/v1/refresh', { body: { refresh_token }, headers })
  const sidOf = (pair: { access_token: string }): string => decodeJwt(pair.access_token).sid

  await onlyForUsers(t, auth, 'GET', PATH)
  await onlyForUsers(t, auth, 'DELETE', `${PATH}/019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77`)
  await onlyForUsers(t, auth, 'POST', '/api/v1/logout_all')

  await t.test('are listed newest first with their device, the one of the request as current', async (t) => {
    const user = await auth.newUser()
    const { username, password } = user
    const first = await auth.login(user)
    const second = await auth.call('POST', '/api/v1/login', {
      body: { username, password },
      headers: { 'user-agent': 'phone/1' },
    })
    const { status, body } = await list(first.access_token)
    t.equal(status, 200)
    t.equal(body.next_cursor, null)
    t.match(body.items, [
      { id: sidOf(second.body), user_agent: 'phone/1', ip: '127.0.0.1', current: false },
      { id: sidOf(first), current: true },
    ])
    t.strictSame(Object.keys(body.items[0]).sort(), [
      'created_at',
      'current',
      'expires_at',
      'id',
      'ip',
      'last_used_at',
      'user_agent',
    ])
  })

  await t.test('beyond a number end, the oldest of them, and their tokens with them', async (t) => {
    const user = await auth.newUser()
    const pairs = []
    for (let i = 0; i < 5; i++) pairs.push(await auth.login(user))
    t.equal(await endExcess(auth.app, user.id, 3), 2)
    const statuses = []
    for (const { access_token, refresh_token } of pairs)
      statuses.push([(await me(access_token)).status, (await refresh(refresh_token)).status])
    t.strictSame(statuses, [
      [401, 401],
      [401, 401],
      [200, 200],
      [200, 200],
      [200, 200],
    ])
    t.equal(await endExcess(auth.app, user.id, 3), 0)
  })

  await t.test('show when and from which device they were used last', async (t) => {
    const pair = await auth.login(await auth.newUser())
    const [before] = (await list(pair.access_token)).body.items
    await auth.advance(60_000)
    const next = await refresh(pair.refresh_token, { 'user-agent': 'phone/2' })
    const [after] = (await list(next.body.access_token)).body.items
    t.equal(after.user_agent, 'phone/2')
    t.ok(Date.parse(after.last_used_at) - Date.parse(before.last_used_at) >= 60_000)
    t.equal(after.created_at, before.created_at)
  })

  await t.test('are given in pages, and a cursor counts for its user only', async (t) => {
    const user = await auth.newUser()
    const pairs = []
    for (let i = 0; i < 3; i++) pairs.push(await auth.login(user))
    const token = pairs[0]?.access_token ?? ''
    const one = await list(token, '?limit=2')
    t.equal(one.body.items.length, 2)
    const two = await list(token, `?limit=2&cursor=${one.body.next_cursor}`)
    t.strictSame(
      [...one.body.items, ...two.body.items].map(({ id }) => id),
      pairs.map(sidOf).toReversed(),
    )
    t.equal(two.body.next_cursor, null)
    const stranger = await auth.login(await auth.newUser())
    const refused = await list(stranger.access_token, `?cursor=${one.body.next_cursor}`)
    t.equal(refused.status, 400)
    t.match(refused.body.errors, [{ parameter: 'cursor', code: 'unknown' }])
    t.equal((await list(token, '?limit=0')).status, 400)
    t.equal((await list(token, '?limit=1&limit=2')).body.errors[0].code, 'repeated')
    t.equal((await list(token, '?page=2')).status, 400)
  })

  await t.test('no longer show one that has ended or expired', async (t) => {
    const user = await auth.newUser()
    const idle = await auth.login(user)
    await auth.advance(13 * 86_400_000)
    const fresh = await auth.login(user)
    await auth.advance(2 * 86_400_000)
    const next = await refresh(fresh.refresh_token)
    const shown = await list(next.body.access_token)
    t.strictSame(
      shown.body.items.map((item: { id: string }) => item.id),
      [sidOf(fresh)],
    )
    t.equal((await end(next.body.access_token, sidOf(idle))).status, 404)
  })

  await t.test('one can be ended, and its tokens die at once', async (t) => {
    const user = await auth.newUser()
    const [mine, lost] = [await auth.login(user), await auth.login(user)]
    const ended = await end(mine.access_token, sidOf(lost))
    t.equal(ended.status, 200)
    t.equal(ended.headers['revocation-pending'], '0')
    t.match(ended.body, { id: sidOf(lost), current: false })
    t.equal((await me(lost.access_token)).status, 401)
    t.equal((await refresh(lost.refresh_token)).body.code, 'AUTH_REFRESH_INVALID')
    t.equal((await me(mine.access_token)).status, 200)
    t.equal((await end(mine.access_token, sidOf(lost))).status, 404)
    const own = await end(mine.access_token, sidOf(mine))
    t.equal(own.body.current, true)
    t.equal((await me(mine.access_token)).status, 401)
  })

  await t.test('those of others cannot be ended, and what is no id is 400', async (t) => {
    const [mine, theirs] = [await auth.login(await auth.newUser()), await auth.login(await auth.newUser())]
    const refused = await end(mine.access_token, sidOf(theirs))
    t.equal(refused.status, 404)
    t.equal((await me(theirs.access_token)).status, 200)
    t.equal((await end(mine.access_token, 'no-id')).status, 400)
  })

  await t.test('a logout takes an empty body of any type, of one that is none, too', async (t) => {
    for (const type of ['application/json', 'text/plain', 'foo', '']) {
      const { access_token: token } = await auth.login(await auth.newUser())
      const headers = { 'content-type': type, 'content-length': '0' }
      t.equal((await auth.call('POST', '/api/v1/logout', { token, headers })).status, 200, type)
      t.equal((await me(token)).status, 401, type)
    }
  })

  await t.test('logout_all ends all of them and tells how many', async (t) => {
    const user = await auth.newUser()
    const pairs = await Promise.all([1, 2, 3].map(() => auth.login(user)))
    const { status, body, headers } = await logoutAll(pairs[0]?.access_token ?? '')
    t.equal(status, 200)
    t.strictSame(body, { revoked: 3 })
    t.equal(headers['revocation-pending'], '0')
    for (const pair of pairs) {
      t.equal((await me(pair.access_token)).status, 401)
      t.equal((await refresh(pair.refresh_token)).status, 401)
    }
    t.equal((await logoutAll(pairs[0]?.access_token ?? '')).body.code, 'AUTH_TOKEN_INVALID')
    const again = await auth.login(user)
    t.equal((await me(again.access_token)).status, 200)
  })

  await t.test('of several logout_all at once with one token one ends the sessions', async (t) => {
    const pair = await auth.login(await auth.newUser())
    const answers = await Promise.all([1, 2, 3].map(() => logoutAll(pair.access_token)))
    t.strictSame(statusesOf(answers), [200, 401, 401])
  })
})

t.test('behind a proxy a session shows the address that it names, and none that is no address', async (t) => {
  const auth = await startAuth(t, { TRUST_PROXY: '127.0.0.1' })
  const { username, password } = await auth.newUser()
  for (const [named, kept] of [
    ['192.0.2.9', '192.0.2.9'],
    ['2001:db8::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['192.0.2.9:1234', null],
    ['"><script>', null],
  ] as const) {
    const login = await auth.call('POST', '/api/v1/login', {
      body: { username, password },
      headers: { 'x-forwarded-for': named },
    })
    t.equal(login.status, 200)
    const { body } = await auth.call('GET', PATH, { token: login.body.access_token })
    t.equal(body.items[0].ip, kept)
    const logins = await auth.call('GET', '/api/v1/users/me/logins', { token: login.body.access_token })
    t.equal(logins.body.items[0].ip, kept)
  }
})
