import t from 'tap'
import { MAX_ROLES_PER_USER } from '@portcullis/schemas'
import { startAuth, statusesOf } from './support/auth.ts'
import { newAdmin } from './support/admins.ts'
import { decodeJwt } from './support/jwt.ts'

t.test('roles', async (t) => {
  const auth = await startAuth(t)
  const admin = await newAdmin(auth)

  await t.test('the built-in ones are there', async (t) => {
    const { status, body } = await admin.call('GET', '/api/v1/roles')
    t.equal(status, 200)
    t.strictSame(
      body.items.map((role: { name: string; built_in: boolean }) => [role.name, role.built_in]),
      [
        ['user', true],
        ['moderator', true],
        ['admin', true],
      ],
    )
    t.equal(body.next_cursor, null)
  })

  await t.test('a role can be made once, also at once', async (t) => {
    const make = () => admin.call('POST', '/api/v1/roles', { name: 'editor', description: 'Edits' })
    const answers = await Promise.all(Array.from({ length: 5 }, make))
    t.strictSame(statusesOf(answers), [201, 409, 409, 409, 409])
    const made = answers.find((answer) => answer.status === 201)
    t.match(made?.body, { name: 'editor', description: 'Edits', built_in: false })
    const taken = await make()
    t.equal(taken.body.code, 'AUTH_ROLE_TAKEN')
    t.equal(taken.body.errors[0].pointer, '/name')
    t.equal((await admin.call('POST', '/api/v1/roles', { name: 'admin' })).status, 409)
  })

  await t.test('what is no name of a role is refused', async (t) => {
    for (const name of ['', 'Editor', 'a b', 'a'.repeat(33), 'ä', 'a\n', 1, null]) {
      const { status, body } = await admin.call('POST', '/api/v1/roles', { name })
      t.equal(status, 400, String(name))
      t.equal(body.errors[0].pointer, '/name')
    }
    const extra = await admin.call('POST', '/api/v1/roles', { name: 'x', built_in: true })
    t.equal(extra.body.errors[0].pointer, '/built_in')
    t.equal((await admin.call('DELETE', '/api/v1/roles/A%20B')).status, 400)
  })

  await t.test('the list goes through all roles page by page', async (t) => {
    for (const name of ['r1', 'r2', 'r3']) await admin.call('POST', '/api/v1/roles', { name })
    const namesOf = (body: { items: { name: string }[] }) => body.items.map((role) => role.name)
    const all = namesOf((await admin.call('GET', '/api/v1/roles?limit=100')).body)
    const paged: string[] = []
    let cursor = ''
    do {
      const { body } = await admin.call('GET', `/api/v1/roles?limit=2${cursor}`)
      paged.push(...namesOf(body))
      cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`
    } while (cursor !== '')
    t.strictSame(paged, all)
    t.equal(all.length, 7)
  })

  await t.test(
    'a built-in role cannot be deleted, a held one neither, and an unknown one is not there',
    async (t) => {
      const holder = await auth.newUser()
      await admin.call('PUT', `/api/v1/users/${holder.id}/roles/editor`)
      const remove = (name: string) => admin.call('DELETE', `/api/v1/roles/${name}`)
      const builtIn = await remove('moderator')
      t.equal(builtIn.status, 409)
      t.equal(builtIn.body.code, 'AUTH_ROLE_BUILT_IN')
      const held = await remove('editor')
      t.equal(held.status, 409)
      t.equal(held.body.code, 'AUTH_ROLE_HELD')
      await admin.call('DELETE', `/api/v1/users/${holder.id}/roles/editor`)
      const gone = await remove('editor')
      t.equal(gone.status, 200)
      t.equal(gone.body.name, 'editor')
      t.equal((await remove('editor')).status, 404)
    },
  )

  await t.test('a role that is granted and deleted at once is either held or gone', async (t) => {
    const holder = await auth.newUser()
    for (let round = 0; round < 20; round++) {
      const name = `race-${round}`
      await admin.call('POST', '/api/v1/roles', { name })
      const [granted, deleted] = await Promise.all([
        admin.call('PUT', `/api/v1/users/${holder.id}/roles/${name}`),
        admin.call('DELETE', `/api/v1/roles/${name}`),
      ])
      t.strictSame([granted.status, deleted.status], deleted.status === 200 ? [404, 200] : [200, 409])
    }
  })
})

t.test('roles of a user', async (t) => {
  const auth = await startAuth(t)
  const admin = await newAdmin(auth)
  const rolesPath = (id: string, name?: string) =>
    `/api/v1/users/${id}/roles${name === undefined ? '' : `/${name}`}`
  const me = async (token: string) => (await auth.call('GET', '/api/v1/users/me', { token })).status
  const refresh = async (refresh_token: string) =>
    (await auth.call('POST', '/api/v1/refresh', { body: { refresh_token } })).body

  await t.test(
    'a change kills the access tokens at once; the session refreshes into the new roles',
    async (t) => {
      const user = await auth.newUser()
      const pair = await auth.login(user)
      const granted = await admin.call('PUT', rolesPath(user.id, 'moderator'))
      t.equal(granted.status, 200)
      t.strictSame(granted.body.roles, ['moderator', 'user'])
      t.match(granted.headers['revocation-position'], /^\d+-\d+$/)
      t.equal(await me(pair.access_token), 401)
      const next = await refresh(pair.refresh_token)
      t.equal(await me(next.access_token), 200)
      t.strictSame(decodeJwt(next.access_token).roles, ['moderator', 'user'])
      t.equal(decodeJwt(next.access_token).sid, decodeJwt(pair.access_token).sid)

      const taken = await admin.call('DELETE', rolesPath(user.id, 'moderator'))
      t.strictSame(taken.body.roles, ['user'])
      t.equal(await me(next.access_token), 401)
      t.strictSame(decodeJwt((await refresh(next.refresh_token)).access_token).roles, ['user'])
    },
  )

  await t.test('all roles are replaced at once, by none too', async (t) => {
    const user = await auth.newUser()
    const replace = (roles: unknown) => admin.call('PUT', rolesPath(user.id), { roles })
    t.strictSame((await replace(['user', 'moderator', 'admin'])).body.roles, ['admin', 'moderator', 'user'])
    t.strictSame((await replace([])).body.roles, [])
    t.strictSame(decodeJwt((await auth.login(user)).access_token).roles, [])
  })

  await t.test(
    'roles that are the same kill nothing, and answer for the change that made them',
    async (t) => {
      const user = await auth.newUser()
      const first = await admin.call('PUT', rolesPath(user.id, 'moderator'))
      const pair = await auth.login(user)
      const same = [
        await admin.call('PUT', rolesPath(user.id, 'moderator')),
        await admin.call('PUT', rolesPath(user.id), { roles: ['user', 'moderator'] }),
        await admin.call('DELETE', rolesPath(user.id, 'admin')),
      ]
      for (const answer of same) {
        t.equal(answer.status, 200)
        t.equal(answer.headers['revocation-position'], first.headers['revocation-position'])
      }
      t.equal(await me(pair.access_token), 200)
    },
  )

  await t.test('roles that are not there are refused and named, and nothing is changed', async (t) => {
    const user = await auth.newUser()
    const { status, body } = await admin.call('PUT', rolesPath(user.id), {
      roles: ['moderator', 'nobody', 'user', 'nothing'],
    })
    t.equal(status, 400)
    t.strictSame(
      body.errors.map((error: { pointer: string }) => error.pointer),
      ['/roles/1', '/roles/3'],
    )
    t.equal((await admin.call('PUT', rolesPath(user.id, 'nobody'))).status, 404)
    t.equal((await admin.call('DELETE', rolesPath(user.id, 'nobody'))).status, 404)
    t.strictSame((await admin.call('GET', `/api/v1/users/${user.id}`)).body.roles, ['user'])
  })

  await t.test('malformed roles are refused and named', async (t) => {
    const { id } = await auth.newUser()
    const bad: [unknown, string][] = [
      [{}, '/roles'],
      [{ roles: 'admin' }, '/roles'],
      [{ roles: ['Admin'] }, '/roles/0'],
      [{ roles: ['user', 'user'] }, '/roles'],
      [{ roles: ['user'], status: 'active' }, '/status'],
      [{ roles: Array.from({ length: MAX_ROLES_PER_USER + 1 }, (_, i) => `r${i}`) }, '/roles'],
    ]
    for (const [body, pointer] of bad) {
      const answer = await admin.call('PUT', rolesPath(id), body)
      t.equal(answer.status, 400, pointer)
      t.equal(answer.body.errors[0].pointer, pointer)
    }
    t.equal((await admin.call('PUT', rolesPath('me'), { roles: [] })).status, 400)
  })

  await t.test('a user has at most so many roles as fit into a token', async (t) => {
    const { id } = await auth.newUser()
    const names = Array.from({ length: MAX_ROLES_PER_USER }, (_, i) => `${i}`.padStart(32, 'r'))
    for (const name of names) await admin.call('POST', '/api/v1/roles', { name })
    const all = await admin.call('PUT', rolesPath(id), { roles: names })
    t.equal(all.status, 200)
    const more = await admin.call('PUT', rolesPath(id, 'moderator'))
    t.equal(more.status, 400)
    t.equal(more.body.errors[0].parameter, 'name')
  })

  await t.test('a user who is not there is a 404, and the id is taken in any case', async (t) => {
    const { id } = await auth.newUser()
    const unknown = '019a5c3e-8f2a-7c41-9d52-3b0f6f1f2a77'
    t.equal((await admin.call('PUT', rolesPath(unknown), { roles: [] })).status, 404)
    t.equal((await admin.call('PUT', rolesPath(unknown, 'user'))).status, 404)
    t.equal((await admin.call('DELETE', rolesPath(unknown, 'user'))).status, 404)
    const pair = await auth.login({ ...(await auth.newUser()) })
    t.equal(await me(pair.access_token), 200)
    const upper = await admin.call('PUT', rolesPath(id.toUpperCase(), 'moderator'))
    t.equal(upper.body.id, id)
  })

  await t.test('nobody gives oneself a role by another way', async (t) => {
    const signup = await auth.call('POST', '/api/v1/signup', {
      body: { username: 'climber', password: 'correct horse battery staple', roles: ['admin'] },
    })
    t.equal(signup.status, 400)
    const user = await auth.newUser({ roles: ['user', 'moderator'] })
    const { access_token: token } = await auth.login(user)
    for (const [method, path, body] of [
      ['PATCH', '/api/v1/users/me', { roles: ['admin'] }],
      ['PUT', rolesPath(user.id), { roles: ['admin'] }],
      ['PUT', rolesPath(user.id, 'admin')],
      ['PUT', rolesPath('me', 'admin')],
    ] as const)
      t.ok([400, 403].includes((await auth.call(method, path, { token, body })).status), `${method} ${path}`)
    t.strictSame(decodeJwt((await auth.login(user)).access_token).roles, ['user', 'moderator'])
  })
})
