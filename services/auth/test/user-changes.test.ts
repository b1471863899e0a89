import pg from 'pg'
import t from 'tap'
import { pruneUserChanges } from '../src/users/changes.ts'
import { callOf, startAuth } from './support/auth.ts'
import { newClient } from './support/client.ts'
import { until } from './support/until.ts'

interface Item {
  readonly seq: number
  readonly user_id: string
  readonly username: string
  readonly deleted: boolean
}

t.test('changes of users', async (t) => {
  const auth = await startAuth(t)
  const { token } = await newClient(auth, 'users:changes')
  const changes = (query: string) => auth.call('GET', `/api/v1/users/changes?${query}`, { token })
  const head = async (): Promise<string> => {
    let { body } = await changes('limit=1000')
    while (body.more) body = (await changes(`after=${body.next}&limit=1000`)).body
    return body.next
  }
  const remove = (id: string, username: string) =>
    auth.app.transact(async (trx) => {
      await trx.deleteFrom('users').where('id', '=', id).execute()
      return { value: undefined, change: { userId: id, username, deleted: true } }
    })

  await t.test('only a client with the scope may follow the users', async (t) => {
    const path = '/api/v1/users/changes'
    t.equal((await auth.call('GET', path)).status, 401)
    const user = await auth.login(await auth.newUser())
    t.equal((await auth.call('GET', path, { token: user.access_token })).status, 403)
    const other = await newClient(auth, 'revocations:read')
    const refused = await auth.call('GET', path, { token: other.token })
    t.equal(refused.status, 403)
    t.match(refused.headers['www-authenticate'], 'scope="users:changes"')
  })

  await t.test('what was never given out as a cursor is refused by name', async (t) => {
    const noId = `users.1.0.${'-'.repeat(36)}`
    for (const after of ['users', 'changes.1', 'changes.1.2.3', 'users.1.2.x', 'changes.1.9.9', noId]) {
      const { status, body } = await changes(`after=${after}`)
      t.equal(status, 400)
      t.equal(body.errors[0].parameter, 'after')
    }
    t.equal((await changes('after=%00')).status, 400)
    t.equal((await changes('wait=501')).status, 400)
    t.equal((await changes('limit=0')).status, 400)
  })

  await t.test('an empty cursor tells all users page by page, and then what has changed since', async (t) => {
    const users = [await auth.newUser(), await auth.newUser(), await auth.newUser()]
    const first = await changes('after=&limit=2')
    t.equal(first.status, 200)
    t.equal(first.headers['cache-control'], 'no-store')
    const meanwhile = await auth.newUser()

    const told: Item[] = [...first.body.items]
    let answer = first.body
    while (!answer.snapshot.complete) {
      t.ok(answer.more)
      answer = (await changes(`after=${answer.next}&limit=2`)).body
      told.push(...answer.items)
    }
    t.strictSame(
      users.map(({ id }) => told.filter((item) => item.user_id === id).length),
      [1, 1, 1],
    )
    t.ok(told.every((item) => item.seq === answer.snapshot.seq))
    t.ok(answer.more, 'a change came while the users were told')

    const { body: log } = await changes(`after=${answer.next}`)
    t.equal(log.snapshot, null)
    t.match(log.items, [{ user_id: meanwhile.id, username: meanwhile.username, deleted: false }])
    t.notOk(log.more)
  })

  await t.test('signups, new names and deletions come in their order', async (t) => {
    const start = await head()
    const user = await auth.newUser()
    await auth.app.transact(async (trx) => {
      await trx.updateTable('users').set({ username: 'renamed' }).where('id', '=', user.id).execute()
      return { value: undefined, change: { userId: user.id, username: 'renamed', deleted: false } }
    })
    await remove(user.id, 'renamed')
    const first = await changes(`after=${start}&limit=2`)
    t.ok(first.body.more)
    const second = await changes(`after=${first.body.next}&limit=2`)
    t.match(
      [...first.body.items, ...second.body.items],
      [
        { user_id: user.id, username: user.username, deleted: false },
        { user_id: user.id, username: 'renamed', deleted: false },
        { user_id: user.id, deleted: true },
      ],
    )
  })

  await t.test('a change that is committed late is not skipped', async (t) => {
    const start = await head()
    const late = new pg.Client({ connectionString: auth.databaseUrl })
    await late.connect()
    t.teardown(() => late.end())
    await late.query(`begin; select append_user_change(uuidv7(), 'late', false)`)

    const signup = auth.newUser()
    const { body: before } = await changes(`after=${start}&wait=100`)
    t.strictSame(before.items, [], 'nobody overtakes the change that is not committed yet')
    await late.query('commit')
    const user = await signup
    const { body: after } = await changes(`after=${before.next}`)
    t.match(after.items, [{ username: 'late' }, { username: user.username }])
  })

  await t.test('a question that waits is answered when any instance has committed a change', async (t) => {
    const start = await head()
    const another = await auth.another()
    const waiting = callOf(another)('GET', `/api/v1/users/changes?after=${start}&wait=500`, { token })
    const { count } = another.news.userChanges
    const user = await auth.newUser()
    await until(() => another.news.userChanges.count > count, 'the other instance hears of the commit')
    t.match((await waiting).body.items, [{ user_id: user.id }])
  })

  await t.test('a question that waits in vain is answered with nothing', async (t) => {
    const start = await head()
    const { status, body } = await changes(`after=${start}&wait=20`)
    t.equal(status, 200)
    t.strictSame(body, { items: [], next: start, more: false, snapshot: null })
  })

  await t.test('it is not counted against the limit', async (t) => {
    const call = callOf(await auth.another({ RATE_LIMIT_MAX: '1' }))
    for (let i = 0; i < 3; i++) t.equal((await call('GET', '/api/v1/users/changes', { token })).status, 200)
  })

  await t.test('a cursor of another epoch, and one from the future, are answered with 410', async (t) => {
    const [, epoch, seq] = (await head()).split('.').map(Number)
    for (const cursor of [
      `changes.${(epoch ?? 0) + 1}.${seq}`,
      `changes.${epoch}.${(seq ?? 0) + 1}`,
      `users.${(epoch ?? 0) - 1}.${seq}`,
      `users.${epoch}.${(seq ?? 0) + 1}`,
    ]) {
      const { status, body } = await changes(`after=${cursor}`)
      t.equal(status, 410)
      t.equal(body.code, 'CURSOR_EXPIRED')
    }
  })

  await t.test(
    'what is older than a week is dropped from the front, and cursors before it are answered with 410',
    async (t) => {
      const start = await head()
      const users = await changes('limit=1')
      await auth.newUser()
      const between = await head()
      await auth.newUser()
      const { db } = auth.app
      await db
        .updateTable('user_changes')
        .set({ at: new Date(Date.now() - 8 * 86_400_000) })
        .where('seq', '<=', Number(between.split('.')[2]))
        .execute()
      t.equal(await pruneUserChanges(db, 1), 1, 'no more at once than are asked for')
      t.ok((await pruneUserChanges(db, 1000)) > 0)
      t.equal((await changes(`after=${start}`)).status, 410)
      t.equal(
        (await changes(`after=${users.body.next}`)).status,
        410,
        'all users as they were then are too old as well',
      )
      t.equal((await changes(`after=${between}`)).body.items.length, 1)
      t.equal(await pruneUserChanges(db, 1000), 0)

      await db
        .updateTable('user_changes')
        .set({ at: new Date(0) })
        .execute()
      t.equal(await pruneUserChanges(db, 1000), 1)
      t.equal((await changes(`after=${between}`)).status, 410)
      t.equal((await changes(`after=${await head()}`)).status, 200)
    },
  )
})
