import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t, { type Test } from 'tap'
import { createDatabase, race, startProxy, timed, type TestProxy } from '@portcullis/test-kit'
import { UserChangesFollower } from '../src/authors/follower.ts'
import { topics } from '../src/features/posts/ready.ts'
import { startAuthFeed } from './support/auth-feed.ts'
import { bearer, read, schemas, startContent } from './support/content.ts'
import { until } from './support/until.ts'

const database = await createDatabase(t, 'content')
const proxy = await startProxy(t, database)
const { app, issuer, redis } = await startContent(t, { DATABASE_URL: proxy.url })
const ada = bearer(issuer.mint({ user: 'ada' }))
const payload = { title: 'a', description: '' }

const write = (headers: Record<string, string> = ada) =>
  app.inject({ method: 'POST', url: '/api/v1/posts', headers, payload })
const writeOnce = () => write({ ...ada, 'idempotency-key': randomUUID() })
const readTasks = () => app.inject({ url: '/api/v1/tasks', headers: ada })
const readTask = () => app.inject({ url: `/api/v1/tasks/${randomUUID()}`, headers: ada })
const count = async () => read(await app.inject('/api/v1/posts?limit=100'), 200, schemas.posts).items.length

async function isMended(t: Test, proxy: TestProxy): Promise<void> {
  await proxy.mend()
  for (const ask of [readTasks, () => app.inject('/health/ready')])
    await until(async () => (await ask()).statusCode === 200)
  t.pass('answers again')
}

for (const fault of ['cut', 'stall'] as const) {
  t.test(`PostgreSQL away (${fault}): 503 with Retry-After within 2 s, and it mends by itself`, async (t) => {
    t.equal((await write()).statusCode, 201)
    await proxy[fault]()
    // Many at once: nobody waits in line behind the timeouts of others.
    for (const crowd of fault === 'cut' ? [1, 20] : [20]) {
      for (const ask of [readTasks, readTask, write, writeOnce]) {
        const [results, ms] = await timed(() => race(crowd, () => ask()))
        t.ok(ms < 2000, `${Math.round(ms)} ms`)
        for (const result of results) {
          if (result.status === 'rejected') throw result.reason
          t.equal(result.value.statusCode, 503)
          t.ok(result.value.headers['retry-after'])
        }
      }
    }
    await until(async () => (await app.inject('/health/ready')).statusCode === 503)
    t.equal((await app.inject('/health/live')).statusCode, 200)
    await isMended(t, proxy)
    t.equal((await write()).statusCode, 201)
  })
}

t.test('a commit whose answer is lost is told as unknown, and is not made twice by its key', async (t) => {
  const before = await count()
  const headers = { ...ada, 'idempotency-key': 'lost-commit' }
  proxy.cutAt('commit')
  t.equal(read(await write(headers), 503, schemas.problem).code, 'OUTCOME_UNKNOWN')
  t.equal((await write(headers)).statusCode, 201)
  t.equal((await write(headers)).headers['idempotency-replayed'], 'true')
  t.equal(await count(), before + 1)
})

t.test('who is not told what became of a write is shown it when they read the state again', async (t) => {
  const { id } = read(await write(), 201, schemas.post)
  const url = `/api/v1/posts/${id}`
  const titles = async () => {
    const one = await app.inject(url)
    const { items } = read(await app.inject('/api/v1/posts'), 200, schemas.posts)
    return [one.statusCode === 200 ? read(one, 200, schemas.post).title : undefined, items[0]?.title]
  }
  const before = await titles()
  const title = 'a title whose answer is lost'
  proxy.cutAnswerOf(title)
  const change = await app.inject({ method: 'PATCH', url, headers: ada, payload: { title } })
  t.equal(read(change, 503, schemas.problem).code, 'OUTCOME_UNKNOWN')
  t.strictSame(await titles(), [title, title])

  proxy.cutAnswerOf(id)
  const removal = await app.inject({ method: 'DELETE', url, headers: ada })
  t.equal(read(removal, 503, schemas.problem).code, 'OUTCOME_UNKNOWN')
  t.strictSame(await titles(), [undefined, before[1]])

  const body = { ...payload, title: 'a title that is written once' }
  const create = () =>
    app.inject({
      method: 'POST',
      url: '/api/v1/posts',
      headers: { ...ada, 'idempotency-key': 'once' },
      payload: body,
    })
  proxy.cutAnswerOf('commit')
  t.equal(read(await create(), 503, schemas.problem).code, 'OUTCOME_UNKNOWN')
  t.equal((await create()).headers['idempotency-replayed'], 'true')
  t.equal((await titles())[1], body.title)
})

t.test('a write that takes effect after its writer was lost is shown within 2 s', async (t) => {
  const { id } = read(await write(), 201, schemas.post)
  const url = `/api/v1/posts/${id}`
  const title = 'a title that comes late'
  const shown = async () => read(await app.inject(url), 200, schemas.post).title
  const [holder, observer] = [new pg.Client(database), new pg.Client(database)]
  for (const client of [holder, observer]) {
    await client.connect()
    t.teardown(() => client.end())
  }
  const isUpdate = async (state: string) => {
    const sessions = `select from pg_stat_activity where datname = current_database() and query like 'update "posts"%'`
    return (await observer.query(`${sessions} and ${state}`)).rowCount !== 0
  }

  // PostgreSQL gives a statement up that waits too long, as it may on a busy machine.
  for (let isLate = false; !isLate;) {
    await holder.query('begin')
    await holder.query('select from posts where id = $1 for update', [id])
    let isAnswered = false
    const change = app
      .inject({ method: 'PATCH', url, headers: ada, payload: { title } })
      .finally(() => (isAnswered = true))
    await until(async () => isAnswered || isUpdate(`wait_event_type = 'Lock'`))
    await proxy.cut()
    const { code } = read(await change, 503, schemas.problem)
    await proxy.mend()
    await until(async () => (await app.inject('/health/ready')).statusCode === 200)
    t.equal(await shown(), payload.title, 'is read and remembered')
    await holder.query('commit')
    await until(async () => !(await isUpdate(`state = 'active'`)))
    const { rows } = await holder.query('select title from posts where id = $1', [id])
    isLate = rows[0]?.title === title
    if (isLate) t.equal(code, 'OUTCOME_UNKNOWN')
  }
  await until(async () => (await shown()) === title, 5000)
})

t.test('a new name whose commit is not answered is shown at once', async (t) => {
  const feed = await startAuthFeed(t)
  const follower = new UserChangesFollower({
    db: app.db,
    authUrl: feed.url,
    token: { get: async () => 'token', forget: () => undefined },
    onVisible: () => app.cache.raise(topics.authors),
    log: { info: () => undefined, warn: () => undefined },
  })
  const { author } = read(await write(), 201, schemas.post)
  const shown = async () =>
    read(await app.inject(`/api/v1/posts?author=${author.id}`), 200, schemas.posts).items[0]?.author.username
  feed.rename(author.id, 'ada')
  await until(() => follower.step())
  t.equal(await shown(), 'ada')
  feed.rename(author.id, 'countess')
  proxy.cutAnswerOf('commit')
  await t.rejects(follower.step(), { code: 'OUTCOME_UNKNOWN' })
  t.equal(await shown(), 'countess')
})

t.test('a write whose connection breaks before the commit is told as not done', async (t) => {
  const title = 'a title at which the connection breaks'
  proxy.cutAt(title)
  const response = await app.inject({
    method: 'POST',
    url: '/api/v1/posts',
    headers: { ...ada, 'idempotency-key': 'broken' },
    payload: { ...payload, title },
  })
  t.equal(read(response, 503, schemas.problem).code, 'UNAVAILABLE')
})

t.test('with Redis gone everything is answered rightly, and in milliseconds', async (t) => {
  await redis.kill()
  for (let n = 0; n < 20; n++) {
    const [created, ms] = await timed(() => write())
    const post = read(created, 201, schemas.post)
    t.ok(ms < 1000, `${ms} ms`)
    const { items } = read(await app.inject('/api/v1/posts'), 200, schemas.posts)
    t.equal(items[0]?.id, post.id)
  }
  t.equal((await app.inject('/health/ready')).statusCode, 200, 'it goes on')
  await redis.restart()
  const post = read(await write(), 201, schemas.post)
  t.equal(read(await app.inject('/api/v1/posts'), 200, schemas.posts).items[0]?.id, post.id)
})
