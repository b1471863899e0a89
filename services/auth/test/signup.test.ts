import t from 'tap'
import type {} from '../src/plugins/passwords.ts'
import { PASSWORD, callOf, startAuth, statusesOf, type CallOptions } from './support/auth.ts'
import { isBlocked } from './support/guards.ts'

t.test('signup', async (t) => {
  const auth = await startAuth(t)
  const signup = (body: CallOptions['body'], headers = {}) =>
    auth.call('POST', '/api/v1/signup', { body, headers })
  const usersNamed = (username: string) =>
    auth.app.db
      .selectFrom('users')
      .select('id')
      .where((e) => e.fn('lower', ['username']), '=', username)
      .execute()

  await t.test('makes a user with the role user, with or without an email', async (t) => {
    const { status, body } = await signup({
      username: 'Ada.Lovelace_1-2',
      password: PASSWORD,
      email: 'Ada@Example.com',
    })
    t.equal(status, 201)
    t.match(body, {
      user: {
        id: /^[0-9a-f-]{36}$/,
        username: 'Ada.Lovelace_1-2',
        email: 'Ada@Example.com',
        full_name: null,
        roles: ['user'],
        status: 'active',
      },
    })
    t.strictSame(Object.keys(body.user).length, 8)
    const without = await signup({ username: 'without.email', password: PASSWORD })
    t.equal(without.body.user.email, null)
  })

  await t.test('50 at once with one name in several cases make one user, the rest is told 409', async (t) => {
    const cases = ['same.name', 'Same.Name', 'SAME.NAME', 'sAmE.nAmE']
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => signup({ username: cases[i % 4], password: PASSWORD })),
    )
    t.strictSame(statusesOf(answers), [201, ...Array.from({ length: 49 }, () => 409)])
    for (const { status, body } of answers) if (status === 409) t.equal(body.code, 'AUTH_USERNAME_TAKEN')
    t.equal((await usersNamed('same.name')).length, 1)
  })

  await t.test('50 at once with one name on two instances make one user too', async (t) => {
    const other = callOf(await auth.another())
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => {
        const body = { username: i % 2 ? 'both.sides' : 'Both.Sides', password: PASSWORD }
        return i % 2 ? signup(body) : other('POST', '/api/v1/signup', { body })
      }),
    )
    t.strictSame(statusesOf(answers), [201, ...Array.from({ length: 49 }, () => 409)])
    t.equal((await usersNamed('both.sides')).length, 1)
  })

  await t.test('many at once with one email and different names make one user', async (t) => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        signup({
          username: `mail-${i}`,
          email: i % 2 ? 'One@mail.example' : 'one@MAIL.example',
          password: PASSWORD,
        }),
      ),
    )
    t.strictSame(statusesOf(answers), [201, ...Array.from({ length: 19 }, () => 409)])
    t.ok(answers.every(({ status, body }) => status === 201 || body.code === 'AUTH_EMAIL_TAKEN'))
  })

  await t.test(
    'a name or an email that is taken is refused by its field, before anything is hashed',
    async (t) => {
      await signup({ username: 'first', email: 'first@example.com', password: PASSWORD })
      const { passwords } = auth.app
      const hash = passwords.hash.bind(passwords)
      t.teardown(() => (passwords.hash = hash))
      passwords.hash = () => Promise.reject(new Error('hashed'))
      const name = await signup({ username: 'FIRST', email: 'other@example.com', password: PASSWORD })
      t.equal(name.status, 409)
      t.match(name.body, { code: 'AUTH_USERNAME_TAKEN', errors: [{ pointer: '/username', code: 'taken' }] })
      const email = await signup({ username: 'other', email: 'FIRST@example.com', password: PASSWORD })
      t.equal(email.status, 409)
      t.match(email.body, { code: 'AUTH_EMAIL_TAKEN', errors: [{ pointer: '/email', code: 'taken' }] })
    },
  )

  await t.test('refuses what does not fit, names the field and makes nobody', async (t) => {
    const good = { username: 'never.made', password: PASSWORD }
    const cases: [object, string, string][] = [
      [{ password: PASSWORD }, '/username', 'required'],
      [{ username: 'never.made' }, '/password', 'required'],
      [{ ...good, roles: ['admin'] }, '/roles', 'unknown'],
      [{ ...good, username: 'a b' }, '/username', 'pattern'],
      [{ ...good, username: 'nul\u0000' }, '/username', 'pattern'],
      [{ ...good, username: 'ab' }, '/username', 'too_short'],
      [{ ...good, username: 'x'.repeat(33) }, '/username', 'too_long'],
      [{ ...good, username: 7 }, '/username', 'type'],
      [{ ...good, password: 'short' }, '/password', 'too_short'],
      [{ ...good, password: 'x'.repeat(257) }, '/password', 'too_long'],
      [{ ...good, password: 'with \u0000 NUL' }, '/password', 'format'],
      [{ ...good, password: 'iloveyou' }, '/password', 'common'],
      [{ ...good, email: 'nobody' }, '/email', 'format'],
      [{ ...good, email: null }, '/email', 'type'],
    ]
    for (const [body, pointer, code] of cases) {
      const answer = await signup(body)
      t.equal(answer.status, 400, JSON.stringify(body))
      t.match(answer.body.errors, [{ pointer, code }])
      t.notOk(JSON.stringify(answer.body).includes('never.made'))
    }
    t.strictSame(await usersNamed('never.made'), [])
  })

  await t.test('takes a stale token along without looking at it', async (t) => {
    const { status } = await auth.call('POST', '/api/v1/signup', {
      token: 'stale',
      body: { username: 'with.stale', password: PASSWORD },
    })
    t.equal(status, 201)
  })
})

t.test('a signup with Idempotency-Key', async (t) => {
  const auth = await startAuth(t)
  let keys = 0
  const newKey = () => `key-${++keys}`
  const signup = (key: string, body: object) =>
    auth.call('POST', '/api/v1/signup', {
      body: { password: PASSWORD, ...body },
      headers: { 'idempotency-key': key },
    })

  await t.test('is answered as the first time, in whatever order its fields come', async (t) => {
    const key = newKey()
    const first = await signup(key, { username: 'once.only', email: 'once@example.com' })
    t.equal(first.status, 201)
    t.equal(first.headers['idempotency-replayed'], undefined)
    const again = await auth.call('POST', '/api/v1/signup', {
      body: { email: 'once@example.com', username: 'once.only', password: PASSWORD },
      headers: { 'idempotency-key': key },
    })
    t.equal(again.status, 201)
    t.equal(again.headers['idempotency-replayed'], 'true')
    t.strictSame(again.body, first.body)
  })

  await t.test('is refused with 422 if its body is another', async (t) => {
    const key = newKey()
    await signup(key, { username: 'same.key' })
    const other = await signup(key, { username: 'Same.Key', email: 'more@example.com' })
    t.equal(other.status, 422)
    t.equal(other.body.code, 'IDEMPOTENCY_KEY_REUSED')
  })

  await t.test('belongs to its username: another one may use the same key', async (t) => {
    const key = newKey()
    t.equal((await signup(key, { username: 'key.owner.1' })).status, 201)
    t.equal((await signup(key, { username: 'key.owner.2' })).status, 201)
  })

  await t.test('is refused with 409 and Retry-After while the first one runs', async (t) => {
    const key = newKey()
    const answers = await Promise.all([1, 2, 3].map(() => signup(key, { username: 'running.key' })))
    t.strictSame(statusesOf(answers), [201, 409, 409])
    for (const { status, body, headers } of answers)
      if (status === 409)
        t.match({ ...body, ...headers }, { code: 'IDEMPOTENCY_KEY_RUNNING', 'retry-after': '1' })
    t.equal((await signup(key, { username: 'running.key' })).status, 201)
  })

  await t.test('makes one user also on several instances at once', async (t) => {
    const other = callOf(await auth.another())
    const key = newKey()
    const body = { username: 'two.instances', password: PASSWORD }
    const headers = { 'idempotency-key': key }
    const answers = await Promise.all(
      [auth.call, other].map((call) => call('POST', '/api/v1/signup', { body, headers })),
    )
    const made = answers.filter((answer) => answer.status === 201)
    t.ok(made.length > 0)
    t.equal(new Set(made.map((answer) => answer.body.user.id)).size, 1)
    t.ok(answers.every(({ status }) => status === 201 || status === 409))
  })

  await t.test('is answered as the first time also if that is only just being committed', async (t) => {
    const { pg } = auth.app
    const key = newKey()
    const first = await signup(key, { username: 'just.committed' })
    await pg.query("update idempotency_keys set key = key || 'x' where owner = $1", [first.body.user.id])
    const client = await pg.connect()
    await client.query('begin; lock table users')
    await client.query(`update idempotency_keys set key = substr(key, 1, 32) where length(key) > 32`)
    const again = signup(key, { username: 'just.committed' })
    await isBlocked(auth)
    await client.query('commit')
    client.release()
    t.match(await again, { status: 201, headers: { 'idempotency-replayed': 'true' }, body: first.body })
  })

  await t.test('remembers no failure', async (t) => {
    const key = newKey()
    await signup(newKey(), { username: 'in.the.way' })
    t.equal((await signup(key, { username: 'In.The.Way' })).status, 409)
    await auth.app.db.deleteFrom('users').where('username', '=', 'in.the.way').execute()
    t.equal((await signup(key, { username: 'In.The.Way' })).status, 201)
  })

  await t.test('keeps neither key nor body, and nothing once the user is gone', async (t) => {
    const key = newKey()
    const { body } = await signup(key, { username: 'leaves.again', email: 'secret@example.com' })
    const pair = await auth.login({ id: '', username: 'leaves.again', password: PASSWORD })
    const rows = async () => {
      const found = await auth.app.db.selectFrom('idempotency_keys').selectAll().execute()
      return found.filter((row) => row.owner === body.user.id)
    }
    t.equal((await rows()).length, 1)
    t.notOk(JSON.stringify(await rows()).includes(PASSWORD))
    await auth.call('DELETE', '/api/v1/users/me', { token: pair.access_token })
    t.strictSame(await rows(), [])
    const anew = await signup(key, { username: 'leaves.again', email: 'secret@example.com' })
    t.equal(anew.status, 201)
    t.not(anew.body.user.id, body.user.id)
  })

  await t.test('must be text that a header holds', async (t) => {
    const refused = await signup('x'.repeat(256), { username: 'long.key' })
    t.equal(refused.status, 400)
    t.match(refused.body.errors, [{ parameter: 'idempotency-key' }])
  })
})
