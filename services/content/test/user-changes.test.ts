import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createPool } from '@portcullis/service-kit'
import { race } from '@portcullis/test-kit'
import { applyChanges, findChangesCursor } from '../src/authors/apply.ts'
import type {} from '../src/plugins/database.ts'
import { startAuthFeed } from './support/auth-feed.ts'
import { bearer, read, schemas, startContent } from './support/content.ts'
import { until } from './support/until.ts'

const feed = await startAuthFeed(t)
const content = await startContent(t, { AUTH_URL: feed.url })
const { app, issuer, config } = content
const database = createPool({ url: config.DATABASE_URL, name: 'test', poolSize: 2 })
t.teardown(() => database.end())

/** A user that auth knows, with what a request of theirs needs. */
function signUp(name: string) {
  const token = issuer.mint({ user: name })
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  const id = String(Reflect.get(Object(claims), 'sub'))
  feed.rename(id, name)
  return { id, name, headers: bearer(token) }
}
type User = ReturnType<typeof signUp>

const writePost = async ({ headers }: User) => {
  const payload = { title: 'a', description: '' }
  return read(await app.inject({ method: 'POST', url: '/api/v1/posts', headers, payload }), 201, schemas.post)
}
const writeTask = async ({ headers }: User) =>
  read(
    await app.inject({ method: 'POST', url: '/api/v1/tasks', headers, payload: { title: 'a' } }),
    201,
    schemas.task,
  )
const postsOf = async ({ id }: User, on = app) =>
  read(await on.inject(`/api/v1/posts?author=${id}&limit=100`), 200, schemas.posts).items
const nameShown = async (user: User) => (await postsOf(user))[0]?.author.username
const ageShown = async () => {
  const metric = await app.metrics.getSingleMetric('user_changes_age_seconds')?.get()
  return metric?.values[0]?.value ?? NaN
}
const rows = async (table: 'posts' | 'tasks' | 'idempotency_keys', column: string, { id }: User) => {
  const sql = `select 1 from ${table} where ${column} = $1`
  return (await database.query(sql, [id])).rowCount
}

t.test('a renamed author shows the new name, everywhere and with another tag', async (t) => {
  const ada = signUp('ada')
  const post = await writePost(ada)
  const url = `/api/v1/posts/${post.id}`
  const before = await app.inject(url)
  feed.rename(ada.id, 'ada.lovelace')
  await until(async () => (await nameShown(ada)) === 'ada.lovelace')
  const after = await app.inject({ url, headers: { 'if-none-match': String(before.headers.etag) } })
  t.equal(read(after, 200, schemas.post).author.username, 'ada.lovelace')
  const change = { method: 'PATCH', url, payload: { title: 'b' } } as const
  const stale = await app.inject({
    ...change,
    headers: { ...ada.headers, 'if-match': String(before.headers.etag) },
  })
  t.equal(stale.statusCode, 412)
  const fresh = await app.inject({
    ...change,
    headers: { ...ada.headers, 'if-match': String(after.headers.etag) },
  })
  t.equal(fresh.statusCode, 200)
})

t.test('the name in a token that is older than the change is not believed', async (t) => {
  const bob = signUp('bob')
  await writePost(bob)
  feed.rename(bob.id, 'robert')
  await until(async () => (await nameShown(bob)) === 'robert')
  t.equal((await writePost(bob)).author.username, 'robert')
  t.equal(await nameShown(bob), 'robert')
})

t.test(
  'what a deleted user has written goes, and nothing can be added with a token that is left',
  async (t) => {
    const [carol, dave] = [signUp('carol'), signUp('dave')]
    const kept = await writePost(dave)
    const post = await writePost(carol)
    const key = { ...carol.headers, 'idempotency-key': randomUUID() }
    await app.inject({ method: 'POST', url: '/api/v1/tasks', headers: key, payload: { title: 'a' } })
    feed.delete(carol.id)
    await until(async () => (await postsOf(carol)).length === 0)
    t.equal((await app.inject(`/api/v1/posts/${post.id}`)).statusCode, 404)
    for (const kind of ['posts', 'tasks']) {
      const payload = kind === 'posts' ? { title: 'a', description: '' } : { title: 'a' }
      const response = await app.inject({
        method: 'POST',
        url: `/api/v1/${kind}`,
        headers: carol.headers,
        payload,
      })
      t.equal(read(response, 401, schemas.problem).code, 'AUTH_TOKEN_INVALID')
      t.equal(response.headers['www-authenticate'], 'Bearer realm="portcullis", error="invalid_token"')
    }
    await until(async () => (await rows('posts', 'author_id', carol)) === 0)
    await until(async () => (await rows('tasks', 'owner_id', carol)) === 0)
    await until(async () => (await rows('idempotency_keys', 'owner', carol)) === 0)
    t.strictSame(await postsOf(dave), [kept])
  },
)

t.test('a user who never wrote anything and is deleted cannot begin to', async (t) => {
  const mute = signUp('mute')
  feed.delete(mute.id)
  await until(async () => {
    const { rowCount } = await database.query('select 1 from authors where id = $1 and deleted', [mute.id])
    return rowCount === 1
  })
  const payload = { title: 'a', description: '' }
  t.equal(
    (await app.inject({ method: 'POST', url: '/api/v1/posts', headers: mute.headers, payload })).statusCode,
    401,
  )
})

t.test('posts in flight while their author is deleted are gone too', async (t) => {
  const erin = signUp('erin')
  await writePost(erin)
  let written = 0
  await race(5, async () => {
    for (;;) {
      await writePost(erin)
      written += 1
      if (written === 10) feed.delete(erin.id)
    }
  })
  t.ok(written >= 10, 'each of the five wrote until it was refused')
  await until(async () => (await rows('posts', 'author_id', erin)) === 0)
  t.strictSame(await postsOf(erin), [])
})

for (const kind of ['posts', 'tasks'] as const)
  t.test(`what is being written to ${kind} while its user is deleted waits, and is refused`, async (t) => {
    const faye = signUp(`faye.${kind}`)
    await writePost(faye)
    await until(async () => {
      const { rowCount } = await database.query('select 1 from authors where id = $1 and seq > 0', [faye.id])
      return rowCount === 1
    })
    const holder = await database.connect()
    t.teardown(() => holder.release())
    await holder.query('begin')
    await holder.query(`update authors set username = '', deleted = true, purging = true where id = $1`, [
      faye.id,
    ])
    const payload = kind === 'posts' ? { title: 'a', description: '' } : { title: 'a' }
    let isAnswered = false
    const answered = app
      .inject({ method: 'POST', url: `/api/v1/${kind}`, headers: faye.headers, payload })
      .finally(() => (isAnswered = true))
    await until(async () => {
      const { rowCount } = await database.query(
        `select from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query ~ $1`,
        [`merge into "${kind}"`],
      )
      return isAnswered || rowCount === 1
    })
    await holder.query('commit')
    t.equal(read(await answered, 401, schemas.problem).code, 'AUTH_TOKEN_INVALID')
    t.equal(await rows('tasks', 'owner_id', faye), 0)
  })

t.test('an answer to a question from where nobody stands any more changes nothing', async (t) => {
  const olga = signUp('olga')
  await writePost(olga)
  feed.rename(olga.id, 'olga.new')
  await until(async () => (await nameShown(olga)) === 'olga.new')
  const before = await findChangesCursor(app.db)
  const stale = {
    seq: 1,
    user_id: olga.id,
    username: 'olga.old',
    deleted: false,
    at: '2026-11-21T09:30:00.000Z',
  }
  const answer = { items: [stale], next: 'changes.1.1', more: false, snapshot: null }
  t.notOk(await applyChanges(app.db, { ...before, cursor: 'changes.1.0' }, answer))
  t.strictSame(await findChangesCursor(app.db), before)
  const { rows: authors } = await database.query('select username from authors where id = $1', [olga.id])
  t.strictSame(authors, [{ username: 'olga.new' }])
})

t.test('more than one statement can delete goes as well', async (t) => {
  const frank = signUp('frank')
  await writePost(frank)
  await database.query(
    `insert into posts (author_id, title, description) select $1, 'x', '' from generate_series(1, 1200)`,
    [frank.id],
  )
  feed.delete(frank.id)
  await until(async () => (await rows('posts', 'author_id', frank)) === 0)
  t.equal((await postsOf(frank)).length, 0)
})

t.test('changes made while this service was down are made up for, in order', async (t) => {
  const own = await startAuthFeed(t)
  const first = await startContent(t, { AUTH_URL: own.url })
  const token = first.issuer.mint({ user: 'grace' })
  const headers = bearer(token)
  const payload = { title: 'a', description: '' }
  const post = read(
    await first.app.inject({ method: 'POST', url: '/api/v1/posts', headers, payload }),
    201,
    schemas.post,
  )
  own.rename(post.author.id, 'grace')
  await first.app.close()
  for (const name of ['grace1', 'grace2', 'grace3', 'grace4', 'hopper']) own.rename(post.author.id, name)
  const again = await first.another()
  const shown = async () =>
    read(await again.inject(`/api/v1/posts/${post.id}`), 200, schemas.post).author.username
  await until(async () => (await shown()) === 'hopper')
  t.pass('the last name holds')
})

t.test('two instances that follow show the same, and the newest', async (t) => {
  const other = await content.another()
  const heidi = signUp('heidi')
  await writePost(heidi)
  for (let n = 1; n <= 20; n++) feed.rename(heidi.id, `heidi${n}`)
  for (const one of [app, other])
    await until(async () => (await postsOf(heidi, one))[0]?.author.username === 'heidi20')
  feed.delete(heidi.id)
  for (const one of [app, other]) await until(async () => (await postsOf(heidi, one)).length === 0)
  t.pass('both')
  await other.close()
})

t.test('auth away: nothing fails, and its changes come when it is back', async (t) => {
  const ivan = signUp('ivan')
  await writePost(ivan)
  feed.pause()
  feed.rename(ivan.id, 'ivan2')
  t.equal(await nameShown(ivan), 'ivan')
  t.equal((await writePost(ivan)).author.username, 'ivan')
  await until(async () => (await ageShown()) > 1.5)
  feed.resume()
  await until(async () => (await nameShown(ivan)) === 'ivan2')
  // The metric follows: what was heard is shown first.
  await until(async () => (await ageShown()) < 1.5)
})

t.test(
  'a log that auth has no longer is begun again with all users: who is not among them has been deleted',
  async (t) => {
    const [judy, ken] = [signUp('judy'), signUp('ken')]
    for (const user of [judy, ken]) {
      await writePost(user)
      await writeTask(user)
    }
    feed.pause()
    // Of ken's deletion and judy's name nothing is told: the log that had them is gone.
    feed.delete(ken.id)
    feed.rename(judy.id, 'judith')
    feed.expire()
    // Lena comes while all users are being told to the one who asks, and is on none of the pages.
    const lena = { ...signUp('lena-not-told') }
    feed.delete(lena.id)
    feed.expire()
    let asked = 0
    feed.onPage = async () => {
      asked += 1
      if (asked === 1) await writePost(lena)
    }
    feed.resume()
    await until(async () => (await postsOf(ken)).length === 0)
    await until(async () => (await rows('tasks', 'owner_id', ken)) === 0)
    feed.onPage = undefined
    t.equal(await nameShown(judy), 'judith')
    t.equal((await postsOf(lena)).length, 1, 'who is newer than the question may be missing from the answer')
  },
)
