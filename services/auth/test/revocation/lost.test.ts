import t from 'tap'
import type { RevocationKind } from '@portcullis/schemas'
import { Replica, systemClock } from '@portcullis/token-verifier'
import { giveUpKeys } from '../../src/keys/rotate.ts'
import { endLost, findLost, revokeLost } from '../../src/revocation/lost.ts'
import { History } from '../../src/revocation/history.ts'
import { readLog } from '../../src/revocation/log.ts'
import { Serving } from '../../src/revocation/verifiers/serving.ts'
import { newAdmin } from '../support/admins.ts'
import { startAuth } from '../support/auth.ts'
import { newClient, registerClient } from '../support/client.ts'
import { clientToken } from '../support/oauth.ts'
import { decodeJwt } from '../support/jwt.ts'
import { openRedis } from '../support/verifiers.ts'

t.test('what an instance knows and the database has lost', async (t) => {
  const auth = await startAuth(t)
  const { app } = auth
  const users = await Promise.all(Array.from({ length: 4 }, () => auth.newUser()))
  const [one, two, three, gone] = users.map((user) => user.id)
  const sessionOf = async (index: number) => {
    const { access_token } = await auth.login(users[index] ?? (await auth.newUser()))
    const { sid } = JSON.parse(Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString())
    return sid as string
  }
  const [dead, superseded, ofUser, ofGone, alive] = [
    await sessionOf(0),
    await sessionOf(0),
    await sessionOf(1),
    await sessionOf(3),
    await sessionOf(2),
  ]
  const client = await newClient(auth, 'users:changes')
  const kid = app.keyring.activeKid
  const refreshKid = app.keyring.activeRefreshKey.kid

  const replica = new Replica()
  let seq = 0
  const know = (kind: RevocationKind, key = '', value = 0) =>
    replica.apply([{ epoch: 1, seq: ++seq, kind, key, value, keep_until: Date.now() + 60_000, at: 0 }])
  know('session', dead)
  know('session_gen', superseded, 2)
  know('session_gen', alive, 1)
  know('user', two, 7)
  know('user', three, 1)
  know('user', gone, Number.MAX_SAFE_INTEGER)
  know('client', client.id, 5)
  know('key', kid)
  know('key', refreshKid)
  const warnings: string[] = []
  const note = (_fields: object, message: string) => void warnings.push(message)
  const history = new History({
    db: app.db,
    transact: app.transact,
    redis: openRedis(t, auth),
    replica,
    serving: new Serving(systemClock),
    prepareKeys: async () => (trx, kids) => giveUpKeys(trx, app.keyMaker, kids),
    log: { info: note, warn: note, error: note },
  })

  await t.test('is found by comparing all that is alive with its replica', async (t) => {
    const lost = await findLost(app.db, replica)
    t.strictSame(new Set(lost.sessions.map(({ id }) => id)), new Set([dead, superseded]))
    t.strictSame(
      new Map(lost.users.map(({ id, ver }) => [id, ver])),
      new Map([
        [two, 7],
        [gone, undefined],
      ]),
    )
    t.strictSame(lost.clients, [{ id: client.id, ver: 5 }])
    t.strictSame(lost.kids, [kid, refreshKid])
  })

  await t.test('is ended by events, if another instance has begun the epoch', async (t) => {
    await history.reconcile()
    const { events } = await readLog(app.db, { epoch: 0, seq: 0 })
    t.strictSame(
      new Set(events.map(({ kind, key }) => `${kind} ${key}`)),
      new Set([
        `session ${dead}`,
        `session ${superseded}`,
        `user ${two}`,
        `user ${gone}`,
        `client ${client.id}`,
        `key ${kid}`,
        `key ${refreshKid}`,
      ]),
    )
    const ended = await app.db.selectFrom('sessions').select('id').where('ended_at', 'is not', null).execute()
    t.strictSame(new Set(ended.map(({ id }) => id)), new Set([dead, superseded, ofUser, ofGone]))
    const rows = await app.db.selectFrom('users').select(['id', 'ver', 'status']).execute()
    const row = (id: string | undefined) => rows.find((user) => user.id === id)
    t.equal(row(two)?.ver, 7)
    t.equal(row(gone)?.status, 'disabled', 'a user who was deleted does not come back')
    t.match(row(one), { ver: 1, status: 'active' })
    t.match(row(three), { ver: 1, status: 'active' })
    t.strictSame(warnings, ['ended what the database had lost'])
  })

  await t.test('is nothing when it is ended', async (t) => {
    await history.reconcile()
    t.strictSame(warnings, ['ended what the database had lost'])
    const lost = await findLost(app.db, replica)
    t.strictSame(lost, { sessions: [], users: [], clients: [], kids: [] })
  })
})

t.test('what the replica has just heard from the database is not lost', async (t) => {
  const auth = await startAuth(t, { ACCESS_ON_REFRESH: 'revoke' })
  const { app } = auth
  const admin = await newAdmin(auth)
  const refresh = (refresh_token: string) => auth.call('POST', '/api/v1/refresh', { body: { refresh_token } })
  const users = [await auth.newUser(), await auth.newUser()] as const
  const [changed, refreshed] = [await auth.login(users[0]), await auth.login(users[1])]
  const { sid } = decodeJwt(refreshed.access_token)
  const client = await registerClient(auth)

  // The rows are read, then each is changed, and the replica hears of it before it is compared with them.
  const replica = new Replica()
  const know = (seq: number, kind: RevocationKind, key: string) =>
    replica.apply([{ epoch: 1, seq, kind, key, value: 2, keep_until: Date.now() + 60_000, at: 0 }])
  know(1, 'user', users[0].id)
  know(2, 'session_gen', sid)
  know(3, 'client', client.client_id)
  const lost = await findLost(app.db, replica)
  t.match(lost, { users: [{ ver: 2 }], sessions: [{ gen: 2 }], clients: [{ ver: 2 }] })
  const granted = await admin.call('PUT', `/api/v1/users/${users[0].id}/roles/moderator`)
  t.equal(granted.status, 200)
  const next = await refresh(refreshed.refresh_token)
  t.equal(next.status, 200)
  const rotated = await admin.call('POST', `/api/v1/clients/${client.client_id}/secret`)
  const token = await clientToken(auth, rotated.body)

  for (const [when, end] of [
    ['before a new epoch', () => endLost(app.db, app.transact, lost)],
    ['in it', () => revokeLost(app.transact, lost, async () => undefined)],
  ] as const)
    await t.test(`and is not ended ${when}`, async (t) => {
      await end()
      const live = await app.db.selectFrom('sessions').select('id').where('ended_at', 'is', null).execute()
      t.equal(live.length, 3)
      const client = await auth.call('GET', '/api/v1/users/changes', { token })
      t.equal(client.status, 200, 'the client has a good token')
      const me = await auth.call('GET', '/api/v1/users/me', { token: next.body.access_token })
      t.equal(me.status, 200, 'and who has refreshed')
    })

  const { status } = await refresh(changed.refresh_token)
  t.equal(status, 200, 'and the session refreshes into the new roles')
})

t.test('a user whose deletion was lost is shown as disabled at once', async (t) => {
  const auth = await startAuth(t)
  const { app } = auth
  const admin = await newAdmin(auth)
  const { id } = await auth.newUser()
  const replica = new Replica()
  const value = Number.MAX_SAFE_INTEGER
  replica.apply([{ epoch: 1, seq: 1, kind: 'user', key: id, value, keep_until: Date.now() + 60_000, at: 0 }])
  // The answer stands in the cache.
  for (let i = 0; i < 2; i++)
    t.match(await admin.call('GET', `/api/v1/users/${id}`), { status: 200, body: { status: 'active' } })
  await endLost(app.db, app.transact, await findLost(app.db, replica))
  t.match(await admin.call('GET', `/api/v1/users/${id}`), { status: 200, body: { status: 'disabled' } })
})
