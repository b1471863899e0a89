import t from 'tap'
import type { LoginAttempt } from '@portcullis/schemas'
import { MAX_CHEAP_FAILURES_AN_HOUR } from '../src/logins/queries.ts'
import { LoginRecorder } from '../src/logins/recorder.ts'
import type {} from '../src/plugins/login-history.ts'
import { PASSWORD, startAuth, type TestUser } from './support/auth.ts'
import { onlyForUsers } from './support/guards.ts'
import { decodeJwt } from './support/jwt.ts'

const PATH = '/api/v1/users/me/logins'

t.test('the login history', async (t) => {
  const auth = await startAuth(t)
  const { loginHistory } = auth.app
  const device = { ip: '192.0.2.7', user_agent: 'bot' }
  const list = (token: string, query = '') => auth.call('GET', `${PATH}${query}`, { token })
  const login = (username: string, password = PASSWORD, headers = {}) =>
    auth.call('POST', '/api/v1/login', { body: { username, password }, headers })
  const historyOf = async (user: TestUser): Promise<LoginAttempt[]> => {
    await loginHistory.flush()
    const rows = await auth.app.db
      .selectFrom('login_history')
      .selectAll()
      .where('user_id', '=', user.id)
      .orderBy('id', 'desc')
      .execute()
    return rows.map((row) => ({ ...row, at: row.at.toISOString() }))
  }

  await onlyForUsers(t, auth, 'GET', PATH)

  await t.test('shows each attempt, newest first, with where it came from and how it went', async (t) => {
    const user = await auth.newUser({ email: 'history@example.com' })
    const pair = await auth.login(user)
    await login(user.username.toUpperCase(), 'wrong', { 'user-agent': 'phone/1' })
    await loginHistory.flush()
    await login('history@example.com', 'wrong')
    await loginHistory.flush()
    const { status, body } = await list(pair.access_token)
    t.equal(status, 200)
    t.equal(body.next_cursor, null)
    t.match(body.items, [
      { outcome: 'wrong_password', session_id: null },
      { outcome: 'wrong_password', session_id: null, user_agent: 'phone/1', ip: '127.0.0.1' },
      { outcome: 'success', session_id: decodeJwt(pair.access_token).sid },
    ])
    t.strictSame(Object.keys(body.items[0]).sort(), ['at', 'id', 'ip', 'outcome', 'session_id', 'user_agent'])
  })

  await t.test('is given in pages, and only to its user', async (t) => {
    const user = await auth.newUser()
    const pair = await auth.login(user)
    for (let i = 0; i < 4; i++) await auth.login(user)
    const one = (await list(pair.access_token, '?limit=3')).body
    const two = (await list(pair.access_token, `?limit=3&cursor=${one.next_cursor}`)).body
    const ids = [...one.items, ...two.items].map((item: LoginAttempt) => item.id)
    t.equal(ids.length, 5)
    t.strictSame(ids, ids.toSorted().toReversed())
    t.equal(two.next_cursor, null)
    const stranger = await auth.login(await auth.newUser())
    t.equal((await list(stranger.access_token, `?cursor=${one.next_cursor}`)).status, 400)
    t.equal((await list(pair.access_token, '?limit=101')).body.errors[0].parameter, 'limit')
  })

  await t.test(
    'tells a disabled user with the right password from a wrong one, the answer does not',
    async (t) => {
      const user = await auth.newUser()
      await auth.app.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', user.id).execute()
      const right = await login(user.username)
      await loginHistory.flush()
      const wrong = await login(user.username, 'wrong')
      t.equal(right.status, 401)
      t.strictSame({ ...right.body, instance: '' }, { ...wrong.body, instance: '' })
      t.strictSame(
        (await historyOf(user)).map((attempt) => attempt.outcome),
        ['wrong_password', 'disabled'],
      )
    },
  )

  await t.test('holds a change of the password, and an attempt at one', async (t) => {
    const user = await auth.newUser()
    const pair = await auth.login(user)
    const put = (current_password: string) =>
      auth.call('PUT', '/api/v1/users/me/password', {
        token: pair.access_token,
        body: { current_password, new_password: 'another long password' },
      })
    await put('wrong')
    await loginHistory.flush()
    const changed = await put(PASSWORD)
    t.match(await historyOf(user), [
      { outcome: 'success', session_id: decodeJwt(changed.body.access_token).sid },
      { outcome: 'wrong_password' },
      { outcome: 'success' },
    ])
  })

  await t.test('holds attempts for which there was no room to check a password', async (t) => {
    const user = await auth.newUser()
    const answers = await Promise.all(Array.from({ length: 150 }, () => login(user.username, 'wrong')))
    const busy = answers.filter((answer) => answer.body.code === 'AUTH_HASHING_BUSY').length
    const history = await historyOf(user)
    t.equal(
      history.filter((attempt) => attempt.outcome === 'busy').length,
      Math.min(busy, MAX_CHEAP_FAILURES_AN_HOUR),
    )
    t.equal(history.filter((attempt) => attempt.outcome === 'wrong_password').length, 150 - busy)
  })

  await t.test('holds so many attempts an hour that cost nothing, and every other one', async (t) => {
    const user = await auth.newUser()
    for (let i = 0; i < MAX_CHEAP_FAILURES_AN_HOUR + 20; i++)
      loginHistory.failed(user.id, 'throttled', device)
    loginHistory.failed(user.id, 'wrong_password', device)
    const history = await historyOf(user)
    t.equal(history.length, MAX_CHEAP_FAILURES_AN_HOUR + 1)
    t.match(
      history.filter((attempt) => attempt.outcome === 'wrong_password'),
      [device],
    )
  })

  await t.test('keeps the order of the attempts whatever their writing waits for', async (t) => {
    const user = await auth.newUser()
    await auth.app.db.transaction().execute(async (trx) => {
      // The foreign key makes the failure wait for this lock.
      await trx.selectFrom('users').select('id').where('id', '=', user.id).forUpdate().execute()
      loginHistory.failed(user.id, 'wrong_password', device)
      await new Promise((resolve) => setTimeout(resolve, 30))
      await trx.insertInto('login_history').values({ user_id: user.id, outcome: 'disabled' }).execute()
    })
    t.strictSame(
      (await historyOf(user)).map((attempt) => attempt.outcome),
      ['disabled', 'wrong_password'],
    )
  })

  await t.test('bounds what waits to be written, and says how much was not kept', async (t) => {
    const user = await auth.newUser()
    const lines: [object, string][] = []
    const recorder = new LoginRecorder(auth.app.db, { warn: (...line) => lines.push(line) })
    for (let i = 0; i < 1200; i++) recorder.failed(user.id, 'throttled', device)
    await recorder.flush()
    t.match(lines, [[{ dropped: 199 }, /could not all be recorded/]])
  })

  await t.test(
    'a user deleted meanwhile is no error, and without the database what waits is given up',
    async (t) => {
      const user = await auth.newUser()
      const lines: [object, string][] = []
      const log = { warn: (...line: [object, string]) => lines.push(line) }
      const recorder = new LoginRecorder(auth.app.db, log)
      await auth.app.db.transaction().execute(async (trx) => {
        await trx.selectFrom('users').select('id').where('id', '=', user.id).forUpdate().execute()
        recorder.failed(user.id, 'wrong_password', device)
        await new Promise((resolve) => setTimeout(resolve, 30))
        await trx.deleteFrom('users').where('id', '=', user.id).execute()
      })
      await recorder.flush()
      t.strictSame(lines, [])

      recorder.failed('not an id', 'wrong_password', device)
      recorder.failed(user.id, 'wrong_password', device)
      await recorder.flush()
      t.match(lines, [[{ dropped: 2 }, /could not all be recorded/]])
    },
  )
})
