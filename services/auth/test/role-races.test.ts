import t from 'tap'
import { startAuth } from './support/auth.ts'
import { newAdmin } from './support/admins.ts'
import { decodeJwt } from './support/jwt.ts'

const ROUNDS = 200

t.test('200 interleavings of a change of roles with refreshes', async (t) => {
  const auth = await startAuth(t)
  const admin = await newAdmin(auth)
  const user = await auth.newUser()
  const findUser = () =>
    auth.app.db
      .selectFrom('users')
      .select(['ver', 'roles'])
      .where('id', '=', user.id)
      .executeTakeFirstOrThrow()
  let pair = await auth.login(user)
  const wrong: unknown[] = []
  const kinds = { before: 0, after: 0 }

  for (let round = 0; round < ROUNDS; round++) {
    const granted = round % 2 === 0
    const change = () => admin.call(granted ? 'PUT' : 'DELETE', `/api/v1/users/${user.id}/roles/moderator`)
    const refresh = () =>
      auth.call('POST', '/api/v1/refresh', { body: { refresh_token: pair.refresh_token } })
    // The order in which they begin varies, and so does what is under way when the other begins.
    const order = [
      [change, refresh, refresh],
      [refresh, change, refresh],
      [refresh, refresh, change],
    ][round % 3]
    const answers = await Promise.all((order ?? []).map((act) => act()))
    const { ver, roles } = await findUser()
    const pairs = answers.filter(({ body }) => 'access_token' in body).map(({ body }) => body)
    if (answers.some(({ status }) => status !== 200) || pairs.length !== 2)
      wrong.push(answers.map(({ body }) => body))

    for (const { access_token } of [pair, ...pairs]) {
      const claims = decodeJwt(access_token)
      const isNew = claims.ver === ver
      if (access_token !== pair.access_token) kinds[isNew ? 'after' : 'before']++
      if (isNew && String(claims.roles) !== String(roles)) wrong.push({ claims, roles })
      const { status } = await auth.call('GET', '/api/v1/users/me', { token: access_token })
      if (status !== (isNew ? 200 : 401)) wrong.push({ claims, ver, status })
    }
    pair = pairs.at(-1) ?? pair
  }
  t.strictSame(wrong, [], 'no token has the new version with old roles, and none of an old version is taken')
  t.ok(kinds.before > 0, 'some refreshes came before the change')
  t.ok(kinds.after > 0, 'some refreshes came after the change')
})

t.test('two admins who remove each other at once', async (t) => {
  const auth = await startAuth(t)
  const ways = [
    ['DELETE', (id: string) => `/api/v1/users/${id}/roles/admin`, undefined],
    ['PUT', (id: string) => `/api/v1/users/${id}/roles`, { roles: ['user'] }],
    ['PUT', (id: string) => `/api/v1/users/${id}/status`, { status: 'disabled' }],
  ] as const
  const activeAdmins = async () =>
    (
      await auth.app.pg.query<{ id: string }>(
        "select id from users where status = 'active' and 'admin' = any (roles)",
      )
    ).rows.map((row) => row.id)

  const rounds = 30
  for (let round = 0; round < rounds; round++) {
    await auth.app.pg.query('update users set roles = $1', [['user']])
    const [a, b] = [await newAdmin(auth), await newAdmin(auth)]
    const [wayOfA, wayOfB] = [ways[round % 3] ?? ways[0], ways[Math.floor(round / 3) % 3] ?? ways[0]]
    const answers = await Promise.all([
      a.call(wayOfA[0], wayOfA[1](b.id), wayOfA[2]),
      b.call(wayOfB[0], wayOfB[1](a.id), wayOfB[2]),
    ])
    const left = await activeAdmins()
    t.equal(left.length, 1, 'one of them stays')
    t.equal(left[0], answers[0].status === 200 ? a.id : b.id)
    t.strictSame(
      [200, 401],
      answers.map(({ status }) => status).sort((x, y) => x - y),
    )
  }

  await t.test('of two who stop being admins at once one is told that it is the last', async (t) => {
    for (let round = 0; round < rounds; round++) {
      await auth.app.pg.query('update users set roles = $1', [['user']])
      const admins = [await newAdmin(auth), await newAdmin(auth)]
      const answers = await Promise.all(
        admins.map((admin, index) =>
          index === 1 && round % 2 === 1
            ? admin.call('DELETE', '/api/v1/users/me')
            : admin.call('DELETE', `/api/v1/users/${admin.id}/roles/admin`),
        ),
      )
      t.strictSame(
        answers.map(({ status }) => status).sort((x, y) => x - y),
        [200, 409],
      )
      t.equal((await activeAdmins()).length, 1)
    }
  })
})

for (const [what, end] of [
  ['removed', "update users set roles = '{user}', ver = ver + 1 where id = $1"],
  ['logged out', 'update sessions set ended_at = now() where user_id = $1'],
] as const)
  t.test(`an admin who is ${what} while its request is under way changes nothing any more`, async (t) => {
    const auth = await startAuth(t)
    const [admin, removed] = [await newAdmin(auth), await newAdmin(auth)]
    const before = await auth.app.pg.connect()
    await before.query('begin')
    await before.query('select from users where id = $1 for update', [removed.id])
    const own = removed.call('PUT', `/api/v1/users/${removed.id}/roles`, {
      roles: ['user', 'admin', 'moderator'],
    })
    for (;;) {
      const { rowCount } = await auth.app.pg.query(
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      )
      if (rowCount) break
    }
    await before.query(end, [removed.id])
    await before.query('commit')
    before.release()
    t.equal((await own).status, 401)
    const { body } = await admin.call('GET', `/api/v1/users/${removed.id}`)
    t.notOk(body.roles.includes('moderator'))
    t.equal(body.roles.includes('admin'), what === 'logged out')
  })
