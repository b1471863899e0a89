import t from 'tap'
import type { ListedUser } from '@portcullis/schemas'
import { startAuth } from './support/auth.ts'
import { onlyForUsers } from './support/guards.ts'

t.test('the list of users', async (t) => {
  const auth = await startAuth(t)
  const list = (token: string, query = '') => auth.call('GET', `/api/v1/users${query}`, { token })
  const { access_token } = await auth.login(await auth.newUser({ email: 'seen@example.com' }))
  const names = (body: { items: ListedUser[] }) => body.items.map((user) => user.username)

  await onlyForUsers(t, auth, 'GET', '/api/v1/users')

  await t.test('shows users id, name and time, newest first', async (t) => {
    const user = await auth.newUser({ email: 'unseen@example.com' })
    const { status, body } = await list(access_token)
    t.equal(status, 200)
    t.strictSame(Object.keys(body.items[0]).sort(), ['created_at', 'id', 'username'])
    t.equal(body.items[0].id, user.id)
    const ids = body.items.map((item: ListedUser) => item.id)
    t.strictSame(ids, ids.toSorted().toReversed())
  })

  await t.test('shows admins email, roles and status too, and never a hash', async (t) => {
    const admin = await auth.newUser({ email: 'admin@example.com', roles: ['admin', 'user'] })
    const { body } = await list((await auth.login(admin)).access_token)
    t.match(body.items[0], { email: 'admin@example.com', roles: ['admin', 'user'], status: 'active' })
    t.strictSame(Object.keys(body.items[0]).sort(), [
      'created_at',
      'email',
      'id',
      'roles',
      'status',
      'username',
    ])
  })

  await t.test('is given in pages that hold each user once, also while others sign up', async (t) => {
    const seen: string[] = []
    let query = '?limit=2'
    for (;;) {
      const { body } = await list(access_token, query)
      seen.push(...names(body))
      if (body.next_cursor === null) break
      query = `?limit=2&cursor=${body.next_cursor}`
      await auth.newUser()
    }
    t.equal(new Set(seen).size, seen.length)
    t.ok(seen.length >= 4)
  })

  await t.test('finds names by how they begin, without regard to case and to the letter', async (t) => {
    for (const username of ['Ada_1', 'adaX1', 'ADA.b', 'notada'])
      await auth.call('POST', '/api/v1/signup', { body: { username, password: 'a long enough password' } })
    t.strictSame(names((await list(access_token, '?username=aDa')).body), ['ADA.b', 'adaX1', 'Ada_1'])
    t.strictSame(names((await list(access_token, '?username=ada_')).body), ['Ada_1'])
    t.strictSame(names((await list(access_token, '?username=zzz')).body), [])
    const page = (await list(access_token, '?username=ada&limit=2')).body
    const next = await list(access_token, `?username=ADA&limit=2&cursor=${page.next_cursor}`)
    t.strictSame(names(next.body), ['Ada_1'])
    t.equal((await list(access_token, `?username=a&cursor=${page.next_cursor}`)).status, 400)
  })

  await t.test('refuses what does not fit and names the parameter', async (t) => {
    for (const [query, parameter, code] of [
      ['?username=', 'username', 'pattern'],
      ['?username=a%00', 'username', 'pattern'],
      ['?username=%25', 'username', 'pattern'],
      ['?username=a&username=b', 'username', 'repeated'],
      ['?limit=101', 'limit', 'too_large'],
      [`?limit=1${'0'.repeat(20)}`, 'limit', 'too_large'],
      ['?limit=1e1', 'limit', 'type'],
      ['?limit=x', 'limit', 'type'],
      ['?cursor=made-up', 'cursor', 'unknown'],
      ['?roles=admin', 'roles', 'unknown'],
    ] as const) {
      const { status, body } = await list(access_token, query)
      t.equal(status, 400, query)
      t.match(body.errors, [{ parameter, code }], query)
    }
  })
})
