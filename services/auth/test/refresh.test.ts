import t from 'tap'
import { startAuth } from './support/auth.ts'
import { decodeJwt } from './support/jwt.ts'
import { until } from './support/until.ts'

t.test('refresh', async (t) => {
  const auth = await startAuth(t)
  const refresh = (refresh_token: string) => auth.call('POST', '/api/v1/refresh', { body: { refresh_token } })
  const me = (token: string) => auth.call('GET', '/api/v1/users/me', { token })

  await t.test(
    'a refresh token gives the next pair of its session, and the older access token lives on',
    async (t) => {
      const pair = await auth.login(await auth.newUser())
      const next = await refresh(pair.refresh_token)
      t.equal(next.status, 200)
      t.equal(next.headers['cache-control'], 'no-store')
      t.not(next.body.refresh_token, pair.refresh_token)
      t.equal((await me(next.body.access_token)).status, 200)
      t.equal((await me(pair.access_token)).status, 200)
    },
  )

  await t.test('a refresh token may come as bearer with an empty body of any type', async (t) => {
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'foo', '']) {
      const pair = await auth.login(await auth.newUser())
      const next = await auth.call('POST', '/api/v1/refresh', {
        token: pair.refresh_token,
        headers: { 'content-type': type, 'content-length': '0' },
      })
      t.equal(next.status, 200, type)
    }
  })

  await t.test(
    '100 parallel refreshes of one token are answered with one and the same successor',
    async (t) => {
      const pair = await auth.login(await auth.newUser())
      const answers = await Promise.all(Array.from({ length: 100 }, () => refresh(pair.refresh_token)))
      const good = answers.filter((answer) => answer.status === 200)
      t.ok(good.length > 0)
      t.equal(new Set(good.map((answer) => answer.body.refresh_token)).size, 1)
      const { sid, gen } = decodeJwt(good[0]?.body.refresh_token)
      const session = await auth.app.db
        .selectFrom('sessions')
        .select(['gen', 'ended_at'])
        .where('id', '=', sid)
        .executeTakeFirst()
      t.strictSame(session, { gen, ended_at: null })
      t.equal(gen, 2)
      t.equal((await refresh(good[0]?.body.refresh_token)).status, 200)
      t.strictSame(
        [...new Set(answers.map((answer) => answer.status))].filter((status) => status !== 503),
        [200],
      )
    },
  )

  await t.test('a refresh token replayed after its window ends the session', async (t) => {
    const pair = await auth.login(await auth.newUser())
    const next = await refresh(pair.refresh_token)
    await auth.advance(11_000)
    const replayed = await refresh(pair.refresh_token)
    t.equal(replayed.status, 401)
    t.equal(replayed.body.code, 'AUTH_REFRESH_REUSED')
    t.equal((await refresh(next.body.refresh_token)).body.code, 'AUTH_REFRESH_INVALID')
    // The answer of a reuse waits for no verifier.
    await until(async () => (await me(next.body.access_token)).status === 401)
  })

  await t.test('a session that is not refreshed for its idle life has expired', async (t) => {
    const pair = await auth.login(await auth.newUser())
    await auth.advance(14 * 86_400_000)
    const late = await refresh(pair.refresh_token)
    t.equal(late.status, 401)
    t.equal(late.body.code, 'AUTH_REFRESH_EXPIRED')
  })

  await t.test(
    'a session that is refreshed all the time expires at the end of its absolute life',
    async (t) => {
      const day = 86_400_000
      let pair = await auth.login(await auth.newUser())
      for (let days = 0; days < 80; days += 10) {
        await auth.advance(10 * day)
        const next = await refresh(pair.refresh_token)
        t.equal(next.status, 200, `after ${days + 10} days`)
        pair = next.body
      }
      await auth.advance(9 * day)
      const last = await refresh(pair.refresh_token)
      t.equal(last.status, 200)
      t.ok(last.body.refresh_expires_in <= 86_400, 'and says how long there is')
      await auth.advance(day - 300_000)
      const end = await refresh(last.body.refresh_token)
      t.equal(end.status, 200)
      t.ok(end.body.expires_in <= 300, 'and no access token outlives it')
      const { exp, iat } = decodeJwt(end.body.access_token)
      t.equal(exp - iat, end.body.expires_in)
      await auth.advance(300_000)
      t.equal((await me(end.body.access_token)).status, 401)
      const late = await refresh(end.body.refresh_token)
      t.equal(late.status, 401)
      t.equal(late.body.code, 'AUTH_REFRESH_EXPIRED')
    },
  )

  await t.test('an access token is no refresh token, and a refresh token no access token', async (t) => {
    const pair = await auth.login(await auth.newUser())
    t.equal((await refresh(pair.access_token)).body.code, 'AUTH_REFRESH_INVALID')
    t.equal((await me(pair.refresh_token)).body.code, 'AUTH_TOKEN_INVALID')
  })

  await t.test('a request without a refresh token is told which field is missing', async (t) => {
    const { status, body } = await auth.call('POST', '/api/v1/refresh', { body: {} })
    t.equal(status, 400)
    t.strictSame(body.errors, [{ pointer: '/refresh_token', code: 'required', detail: 'is required' }])
  })

  await t.test('a body that does not fit is refused by its fields, and by nothing else', async (t) => {
    const cases: [unknown, object][] = [
      [
        { refresh_token: 'x', extra: 1 },
        { pointer: '/extra', code: 'unknown', detail: 'is not known here' },
      ],
      [{ refresh_token: 5 }, { pointer: '/refresh_token', code: 'type', detail: 'must be string' }],
      [[], { pointer: '', code: 'one_of', detail: 'must be object or must be null' }],
    ]
    for (const [sent, error] of cases) {
      const { status, body } = await auth.call('POST', '/api/v1/refresh', { body: sent })
      t.equal(status, 400)
      t.strictSame(body.errors, [error])
    }
  })
})
