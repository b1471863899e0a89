import t from 'tap'
import { deleteClient } from '../src/clients/manage.ts'
import { startAuth, statusesOf } from './support/auth.ts'
import { newAdmin } from './support/admins.ts'
import { registerClient } from './support/client.ts'
import { until } from './support/until.ts'

t.test('registered clients', async (t) => {
  const auth = await startAuth(t)
  const admin = await newAdmin(auth)
  const PATH = '/api/v1/clients'
  const token = (client: { client_id: string; client_secret: string }) =>
    auth.call('POST', '/oauth/token', {
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: client.client_id,
        client_secret: client.client_secret,
      }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
  const tokenOf = async (client: Parameters<typeof token>[0]): Promise<string> =>
    (await token(client)).body.access_token
  const use = async (accessToken: string) =>
    (await auth.call('GET', '/api/v1/users/changes', { token: accessToken })).status

  await t.test('a new client is shown its secret once, and only the hash is stored', async (t) => {
    const made = await admin.call('POST', PATH, {
      name: 'Billing',
      scopes: ['users:changes'],
      client_id: 'billing',
    })
    t.equal(made.status, 201)
    t.equal(made.headers['location'], '/api/v1/clients/billing')
    t.equal(made.headers['cache-control'], 'no-store')
    const { client_secret, ...client } = made.body
    t.match(client, { client_id: 'billing', name: 'Billing', scopes: ['users:changes'], status: 'active' })
    t.match(client_secret, /^[\w-]{43}$/)
    t.equal(await use(await tokenOf(made.body)), 200)

    const shown = await admin.call('GET', `${PATH}/billing`)
    t.strictSame(shown.body, client)
    const row = await auth.app.db.selectFrom('clients').selectAll().executeTakeFirstOrThrow()
    t.notOk(JSON.stringify(row).includes(client_secret))
  })

  await t.test('without an id a client is given one', async (t) => {
    const { status, body } = await admin.call('POST', PATH, { name: 'x', scopes: [] })
    t.equal(status, 201)
    t.match(body.client_id, /^[0-9a-f-]{36}$/)
  })

  await t.test(
    'an id can be taken once, also at once, and those of logins and of auth itself never',
    async (t) => {
      const make = (client_id: string) => admin.call('POST', PATH, { name: 'x', scopes: [], client_id })
      const answers = await Promise.all(Array.from({ length: 8 }, () => make('once')))
      t.strictSame(statusesOf(answers), [201, ...Array(7).fill(409)])
      for (const id of ['portcullis', 'auth']) {
        const reserved = await make(id)
        t.equal(reserved.status, 409)
        t.equal(reserved.body.code, 'AUTH_CLIENT_TAKEN')
        t.equal(reserved.body.errors[0].pointer, '/client_id')
      }
    },
  )

  await t.test('what is malformed is named and makes nothing', async (t) => {
    const bad: [object, string][] = [
      [{ scopes: [] }, '/name'],
      [{ name: '', scopes: [] }, '/name'],
      [{ name: 'a\u0000', scopes: [] }, '/name'],
      [{ name: 'x' }, '/scopes'],
      [{ name: 'x', scopes: ['a b'] }, '/scopes/0'],
      [{ name: 'x', scopes: ['a"'] }, '/scopes/0'],
      [{ name: 'x', scopes: ['a', 'a'] }, '/scopes'],
      [{ name: 'x', scopes: [], client_id: 'a b' }, '/client_id'],
      // No URL leads to them.
      [{ name: 'x', scopes: [], client_id: '.' }, '/client_id'],
      [{ name: 'x', scopes: [], client_id: '..' }, '/client_id'],
      [{ name: 'x', scopes: [], secret: 'x' }, '/secret'],
    ]
    const count = async () => (await admin.call('GET', `${PATH}?limit=100`)).body.items.length
    const before = await count()
    for (const [body, pointer] of bad) {
      const answer = await admin.call('POST', PATH, body)
      t.equal(answer.status, 400, pointer)
      t.equal(answer.body.code, 'REQUEST_INVALID')
      t.equal(answer.body.errors[0].pointer, pointer)
    }
    t.equal(await count(), before)
    const dotted = await admin.call('POST', PATH, { name: 'x', scopes: [], client_id: '...' })
    t.equal(dotted.status, 201)
    t.equal((await admin.call('DELETE', `${PATH}/...`)).status, 200)
    t.equal((await admin.call('PATCH', `${PATH}/billing`, {})).status, 400)
    t.equal((await admin.call('PATCH', `${PATH}/billing`, { status: 'gone' })).status, 400)
    t.equal((await admin.call('GET', `${PATH}/a%00b`)).status, 400)
  })

  await t.test('an unknown client is a 404 everywhere', async (t) => {
    for (const [method, path, body] of [
      ['GET', '/nobody'],
      ['PATCH', '/nobody', { name: 'x' }],
      ['DELETE', '/nobody'],
      ['POST', '/nobody/secret'],
    ] as const)
      t.equal((await admin.call(method, PATH + path, body)).status, 404, `${method} ${path}`)
  })

  await t.test('the list goes through all clients, newest first, page by page', async (t) => {
    for (let i = 0; i < 5; i++) await registerClient(auth)
    const all = await admin.call('GET', `${PATH}?limit=100`)
    t.equal(all.body.next_cursor, null)
    const ids: string[] = all.body.items.map((client: { client_id: string }) => client.client_id)
    t.equal(ids.at(-1), 'billing')
    const paged: string[] = []
    let path = `${PATH}?limit=2`
    for (;;) {
      const { body } = await admin.call('GET', path)
      paged.push(...body.items.map((client: { client_id: string }) => client.client_id))
      if (body.next_cursor === null) break
      path = `${PATH}?limit=2&cursor=${body.next_cursor}`
    }
    t.strictSame(paged, ids)
    t.equal((await admin.call('GET', `${PATH}?cursor=abc`)).status, 400)
  })

  await t.test('another secret kills the old one and every token at once', async (t) => {
    const client = await registerClient(auth)
    const old = await tokenOf(client)
    const rotated = await admin.call('POST', `${PATH}/${client.client_id}/secret`)
    t.equal(rotated.status, 200)
    t.match(rotated.headers['revocation-position'], /^\d+-\d+$/)
    t.equal(rotated.headers['cache-control'], 'no-store')
    t.equal(await use(old), 401)
    t.equal((await token(client)).status, 401)
    t.equal(await use(await tokenOf(rotated.body)), 200)
  })

  await t.test(
    'a disabled client gets no token, its tokens are dead at once, and stay so when it is enabled',
    async (t) => {
      const client = await registerClient(auth)
      const old = await tokenOf(client)
      const path = `${PATH}/${client.client_id}`
      const disabled = await admin.call('PATCH', path, { status: 'disabled' })
      t.equal(disabled.status, 200)
      t.equal(disabled.body.status, 'disabled')
      t.equal(await use(old), 401)
      t.equal((await token(client)).status, 401)
      const again = await admin.call('PATCH', path, { status: 'disabled' })
      t.equal(again.headers['revocation-position'], disabled.headers['revocation-position'])
      t.equal((await admin.call('PATCH', path, { status: 'active' })).body.status, 'active')
      t.equal(await use(old), 401)
      t.equal(await use(await tokenOf(client)), 200)
    },
  )

  await t.test('a scope that is taken away is gone at once; a new name or scope kills nothing', async (t) => {
    const client = await registerClient(auth, { scopes: ['users:changes', 'revocations:read'] })
    const path = `${PATH}/${client.client_id}`
    const old = await tokenOf(client)
    const named = await admin.call('PATCH', path, {
      name: 'Other',
      scopes: ['revocations:read', 'users:changes', 'tokens:revoke'],
    })
    t.equal(named.body.name, 'Other')
    t.notOk('revocation-position' in named.headers)
    t.equal(await use(old), 200)
    t.equal((await admin.call('PATCH', path, { scopes: ['revocations:read'] })).status, 200)
    t.equal(await use(old), 401)
    t.equal((await token(client)).body.scope, 'revocations:read')
  })

  await t.test('a deleted client is gone with its tokens, and one of the same id begins anew', async (t) => {
    const client = await registerClient(auth)
    const old = await tokenOf(client)
    const path = `${PATH}/${client.client_id}`
    const deleted = await admin.call('DELETE', path)
    t.equal(deleted.status, 200)
    t.equal(deleted.body.client_id, client.client_id)
    t.notOk('client_secret' in deleted.body)
    t.equal(await use(old), 401)
    t.equal((await token(client)).status, 401)
    t.equal((await admin.call('GET', path)).status, 404)
    const second = await registerClient(auth, { id: client.client_id })
    t.equal(await use(await tokenOf(second)), 200)
    t.equal(await use(old), 401)
  })

  await t.test(
    'a client that is registered while the one before is being deleted gets good tokens',
    async (t) => {
      const { app } = auth
      const { client_id: id } = await registerClient(auth)
      const deleting = Promise.withResolvers<void>()
      const isBlocked = async (statement: string) => {
        const { rows } = await app.pg.query(
          `select from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query ~ $1`,
          [statement],
        )
        return rows.length > 0
      }
      // The deletion stands before its place in the log, and the registration before the row that it may be the last of.
      const held = app.db.transaction().execute(async (trx) => {
        await trx.selectFrom('revocation_head').select('seq').forUpdate().execute()
        deleting.resolve()
        await until(() => isBlocked('insert into "clients"'), 'the registration waits')
      })
      await deleting.promise
      const deleted = deleteClient(app, id)
      await until(() => isBlocked('append_revocation'), 'the deletion waits')
      const second = registerClient(auth, { id })
      await held
      const { receipt } = (await deleted) ?? {}
      await until(() => receipt !== undefined && app.replica.reached(receipt.position))
      t.equal(await use(await tokenOf(await second)), 200)
    },
  )
})
