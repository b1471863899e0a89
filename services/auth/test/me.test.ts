import t from 'tap'
import { lockCaller } from '../src/sessions/caller.ts'
import { startAuth, statusesOf, type CallOptions } from './support/auth.ts'
import { meanwhile, onlyForUsers } from './support/guards.ts'
import { decodeJwt } from './support/jwt.ts'

t.test('the own profile', async (t) => {
  const auth = await startAuth(t)
  const me = (token: string) => auth.call('GET', '/api/v1/users/me', { token })
  const patch = (token: string, body: CallOptions['body']) =>
    auth.call('PATCH', '/api/v1/users/me', { token, body })
  const refresh = (refresh_token: string) => auth.call('POST', '/api/v1/refresh', { body: { refresh_token } })
  const changesOf = (id: string) =>
    auth.app.db.selectFrom('user_changes').selectAll().where('user_id', '=', id).orderBy('seq').execute()

  await onlyForUsers(t, auth, 'GET', '/api/v1/users/me')
  await onlyForUsers(t, auth, 'PATCH', '/api/v1/users/me')

  await t.test('a change answers with the user and a new pair, and the old access token dies', async (t) => {
    const user = await auth.newUser()
    const pair = await auth.login(user)
    const name = `${user.username}.X`
    const changed = await patch(pair.access_token, {
      username: name,
      email: `${name}@Example.com`,
      full_name: 'Ada Lovelace',
    })
    t.equal(changed.status, 200)
    t.equal(changed.headers['cache-control'], 'no-store')
    t.equal(changed.headers['revocation-pending'], '0')
    const { user: shown, ...next } = changed.body
    t.match(shown, { id: user.id, username: name, email: `${name}@Example.com`, full_name: 'Ada Lovelace' })
    t.notOk('password_hash' in shown)
    t.equal(next.token_type, 'Bearer')
    const claims = decodeJwt(next.access_token)
    t.match(claims, { username: name, gen: decodeJwt(pair.access_token).gen + 1 })
    t.equal(claims.sid, decodeJwt(pair.access_token).sid)
    t.equal((await me(pair.access_token)).body.code, 'AUTH_TOKEN_INVALID')
    const seen = await me(next.access_token)
    t.strictSame(seen.body, shown)
    t.strictSame(
      (await changesOf(user.id)).map(({ username, deleted }) => ({ username, deleted })),
      [
        { username: user.username, deleted: false },
        { username: name, deleted: false },
      ],
    )
  })

  await t.test('null takes email and full name away, and no other service is told', async (t) => {
    const user = await auth.newUser({ email: 'taken-away@example.com' })
    const pair = await auth.login(user)
    const named = await patch(pair.access_token, { full_name: 'Somebody' })
    const changed = await patch(named.body.access_token, { email: null, full_name: null })
    t.equal(changed.status, 200)
    t.match(changed.body.user, { email: null, full_name: null })
    t.equal((await changesOf(user.id)).length, 1)
  })

  await t.test('the superseded refresh token gives the new pair until that one is used', async (t) => {
    const pair = await auth.login(await auth.newUser())
    const changed = await patch(pair.access_token, { full_name: 'A' })
    await auth.advance(60_000)
    const again = await refresh(pair.refresh_token)
    t.equal(again.status, 200)
    t.equal(again.body.refresh_token, changed.body.refresh_token)
    t.equal((await me(again.body.access_token)).status, 200)
    t.equal((await refresh(changed.body.refresh_token)).status, 200)
    t.equal((await refresh(pair.refresh_token)).body.code, 'AUTH_REFRESH_REUSED')
  })

  await t.test('the other sessions of the user live on', async (t) => {
    const user = await auth.newUser()
    const [first, second] = [await auth.login(user), await auth.login(user)]
    t.equal((await patch(first.access_token, { full_name: 'B' })).status, 200)
    t.equal((await me(second.access_token)).status, 200)
    t.equal((await refresh(second.refresh_token)).status, 200)
  })

  await t.test('a username or email that somebody else has in another case changes nothing', async (t) => {
    const other = await auth.newUser({ email: 'Other@example.com' })
    const user = await auth.newUser()
    const pair = await auth.login(user)
    const name = await patch(pair.access_token, { username: other.username.toUpperCase(), full_name: 'C' })
    t.equal(name.status, 409)
    t.equal(name.body.code, 'AUTH_USERNAME_TAKEN')
    t.equal(name.body.errors[0].pointer, '/username')
    const email = await patch(pair.access_token, { email: 'oTHER@EXAMPLE.com' })
    t.equal(email.status, 409)
    t.equal(email.body.code, 'AUTH_EMAIL_TAKEN')
    const seen = await me(pair.access_token)
    t.match(seen.body, { username: user.username, full_name: null, email: null })
  })

  await t.test('the own username may change its case', async (t) => {
    const user = await auth.newUser()
    const pair = await auth.login(user)
    const changed = await patch(pair.access_token, { username: user.username.toUpperCase() })
    t.equal(changed.body.user.username, user.username.toUpperCase())
  })

  await t.test('what does not fit names the field and changes nothing', async (t) => {
    const user = await auth.newUser()
    const pair = await auth.login(user)
    const cases: [unknown, string, string][] = [
      [{}, '', 'empty'],
      [[], '', 'type'],
      [{ roles: ['admin'] }, '/roles', 'unknown'],
      [{ status: 'active', username: 'fine' }, '/status', 'unknown'],
      [{ username: null }, '/username', 'type'],
      [{ username: 'ab' }, '/username', 'too_short'],
      [{ username: 'x'.repeat(33) }, '/username', 'too_long'],
      [{ username: 'sp ace' }, '/username', 'pattern'],
      [{ username: 7 }, '/username', 'type'],
      [{ email: 'nobody' }, '/email', 'one_of'],
      [{ full_name: '' }, '/full_name', 'one_of'],
      [{ full_name: 'a\u0000b' }, '/full_name', 'one_of'],
      [{ full_name: 'x'.repeat(201) }, '/full_name', 'one_of'],
    ]
    for (const [body, pointer, code] of cases) {
      const answer = await patch(pair.access_token, body)
      t.equal(answer.status, 400, JSON.stringify(body))
      t.match(answer.body.errors, [{ pointer, code }], JSON.stringify(body))
    }
    const nothing = await auth.call('PATCH', '/api/v1/users/me', { token: pair.access_token })
    t.equal(nothing.status, 400)
    t.equal((await me(pair.access_token)).body.username, user.username)
  })

  await t.test('of two changes with one token at once the second is refused with 401', async (t) => {
    const pair = await auth.login(await auth.newUser())
    const answers = await Promise.all(['D', 'E'].map((full_name) => patch(pair.access_token, { full_name })))
    t.strictSame(statusesOf(answers), [200, 401])
  })

  await t.test('of two users who take one name at once one gets it and the other 409', async (t) => {
    const pairs = [await auth.login(await auth.newUser()), await auth.login(await auth.newUser())]
    const answers = await Promise.all(
      pairs.map((pair, i) => patch(pair.access_token, { username: i === 0 ? 'Wanted' : 'wanted' })),
    )
    t.strictSame(statusesOf(answers), [200, 409])
  })

  await t.test('who is logged out before the change is made changes nothing', async (t) => {
    const user = await auth.newUser()
    const pair = await auth.login(user)
    const answer = await meanwhile(
      auth,
      user.id,
      () => patch(pair.access_token, { full_name: 'F' }),
      (db) =>
        db.updateTable('sessions').set({ ended_at: new Date() }).where('user_id', '=', user.id).execute(),
    )
    t.equal(answer.status, 401)
    const row = await auth.app.db
      .selectFrom('users')
      .select('full_name')
      .where('id', '=', user.id)
      .executeTakeFirst()
    t.equal(row?.full_name, null)
  })

  await t.test('a superseded token changes nothing, also where that has not been heard of', async (t) => {
    const pair = await auth.login(await auth.newUser())
    const changed = await patch(pair.access_token, { full_name: 'G' })
    const refreshed = await refresh(changed.body.refresh_token)
    const lock = async (token: string) => {
      const { value } = await auth.app.transact(async (trx) => ({
        value: await lockCaller(trx, decodeJwt(token), auth.clock.now()),
      }))
      return value !== undefined
    }
    t.equal(await lock(pair.access_token), false)
    t.equal(await lock(changed.body.access_token), true)
    t.equal(await lock(refreshed.body.access_token), true)
  })
})
