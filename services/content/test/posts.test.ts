import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Post } from '@portcullis/schemas'
import type {} from '../src/plugins/database.ts'
import { bearer, read, schemas, startContent } from './support/content.ts'

const { app, issuer } = await startContent(t)
const ada = bearer(issuer.mint({ user: 'ada' }))
const eve = bearer(issuer.mint({ user: 'eve' }))
const moderator = bearer(issuer.mint({ user: 'mo', roles: ['user', 'moderator'] }))
const admin = bearer(issuer.mint({ user: 'root', roles: ['admin'] }))

type Headers = Record<string, string>

const create = (headers: Headers, payload: object = { title: 'Hello', description: 'World' }) =>
  app.inject({ method: 'POST', url: '/api/v1/posts', headers, payload })
const patch = (id: string, headers: Headers, payload: object = { title: 'Changed' }) =>
  app.inject({ method: 'PATCH', url: `/api/v1/posts/${id}`, headers, payload })
const remove = (id: string, headers: Headers) =>
  app.inject({ method: 'DELETE', url: `/api/v1/posts/${id}`, headers })
const get = (id: string, headers: Headers = {}) => app.inject({ url: `/api/v1/posts/${id}`, headers })
const written = async (headers: Headers, payload?: object): Promise<Post> =>
  read(await create(headers, payload), 201, schemas.post)

function fields(t: Test, response: Awaited<ReturnType<typeof create>>): unknown[] {
  const problem = read(response, 400, schemas.problem)
  t.equal(problem.code, 'REQUEST_INVALID')
  return (problem.errors ?? []).map(({ pointer, parameter }) => pointer ?? parameter)
}

t.test('a user writes a post, and anyone reads it', async (t) => {
  const payload = { title: 'Hello', description: 'Wörld 🌍' }
  const response = await create(ada, payload)
  const post = read(response, 201, schemas.post)
  t.match(post, { ...payload, author: { username: 'ada' } })
  t.equal(post.created_at, post.updated_at)
  t.equal(response.headers.location, `/api/v1/posts/${post.id}`)

  const found = await app.inject(response.headers.location ?? '')
  t.strictSame(read(found, 200, schemas.post), post)
  t.equal(found.headers.etag, response.headers.etag)
  t.strictSame(read(await get(post.id.toUpperCase()), 200, schemas.post), post)
  t.strictSame(read(await app.inject('/api/v1/posts'), 200, schemas.posts).items[0], post)
})

t.test('the list of all posts and that of their author show every write at once', async (t) => {
  const author = bearer(issuer.mint({ user: 'lists' }))
  const { id: first, author: by } = await written(author)
  const titles = async (query: string) =>
    read(await app.inject(`/api/v1/posts?${query}`), 200, schemas.posts).items.map(({ title }) => title)
  const shown = async () => {
    const [own, all] = [await titles(`author=${by.id}`), await titles('limit=100')]
    t.strictSame(all.slice(0, own.length), own)
    return own
  }
  t.strictSame(await shown(), ['Hello'])
  await written(author, { title: 'Second', description: '' })
  t.strictSame(await shown(), ['Second', 'Hello'])
  read(await patch(first, author), 200, schemas.post)
  t.strictSame(await shown(), ['Second', 'Changed'])
  read(await remove(first, author), 200, schemas.post)
  t.strictSame(await shown(), ['Second'])
})

t.test('a post that does not fit is refused, with every field named, and nothing is stored', async (t) => {
  const before = read(await app.inject('/api/v1/posts?limit=100'), 200, schemas.posts).items.length
  t.strictSame(fields(t, await create(ada, {})), ['/title', '/description'])
  t.strictSame(fields(t, await create(ada, { title: '', description: 1 })), ['/title', '/description'])
  t.strictSame(fields(t, await create(ada, { title: 'x'.repeat(201), description: 'x'.repeat(20_001) })), [
    '/title',
    '/description',
  ])
  t.strictSame(fields(t, await create(ada, { title: 'a\0', description: '\ud800' })), [
    '/title',
    '/description',
  ])
  t.strictSame(fields(t, await create(ada, { title: 'a', description: '', author_id: randomUUID() })), [
    '/author_id',
  ])
  t.equal(read(await app.inject('/api/v1/posts?limit=100'), 200, schemas.posts).items.length, before)
})

t.test('its author changes a post in part', async (t) => {
  const post = await written(ada)
  const changed = read(await patch(post.id, ada, { title: 'New' }), 200, schemas.post)
  t.match(changed, { id: post.id, title: 'New', description: post.description, created_at: post.created_at })
  t.strictSame(read(await get(post.id), 200, schemas.post), changed)
  t.match(read(await patch(post.id, ada, { description: '' }), 200, schemas.post), {
    title: 'New',
    description: '',
  })
})

t.test('a change that does not fit is refused and changes nothing', async (t) => {
  const post = await written(ada)
  t.strictSame(fields(t, await patch(post.id, ada, {})), [''])
  t.strictSame(fields(t, await patch(post.id, ada, { title: null })), ['/title'])
  t.strictSame(fields(t, await patch(post.id, ada, { id: randomUUID() })), ['/id'])
  t.strictSame(fields(t, await patch('42', ada)), ['id'])
  t.strictSame(read(await get(post.id), 200, schemas.post), post)
})

t.test('deleting a post answers with it, once', async (t) => {
  const post = await written(ada)
  t.strictSame(read(await remove(post.id, ada), 200, schemas.post), post)
  t.equal(read(await remove(post.id, ada), 404, schemas.problem).code, 'NOT_FOUND')
  t.equal(read(await get(post.id), 404, schemas.problem).code, 'NOT_FOUND')
})

t.test('what is not there cannot be read, changed or deleted', async (t) => {
  const id = randomUUID()
  for (const response of [await get(id), await patch(id, ada), await remove(id, admin)])
    t.equal(read(response, 404, schemas.problem).code, 'NOT_FOUND')
})

t.test('a post of somebody else is neither changed nor deleted', async (t) => {
  const post = await written(ada)
  for (const response of [await patch(post.id, eve), await remove(post.id, eve)])
    t.equal(read(response, 403, schemas.problem).code, 'AUTH_FORBIDDEN')
  t.strictSame(read(await get(post.id), 200, schemas.post), post)
})

t.test('moderators and admins change and delete the posts of others, whose they stay', async (t) => {
  for (const who of [moderator, admin]) {
    const post = await written(ada)
    t.match(read(await patch(post.id, who), 200, schemas.post), { title: 'Changed', author: post.author })
    t.equal(read(await remove(post.id, who), 200, schemas.post).id, post.id)
  }
})

t.test(
  'what a deleted user has written is not changed or deleted by others while it is still there',
  async (t) => {
    const { id, author } = await written(bearer(issuer.mint({ user: 'gone' })))
    await app.db.updateTable('authors').set({ deleted: true }).where('id', '=', author.id).execute()
    for (const response of [await patch(id, moderator), await remove(id, moderator)])
      t.equal(read(response, 404, schemas.problem).code, 'NOT_FOUND')
    const { title } = await app.db
      .selectFrom('posts')
      .select('title')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    t.equal(title, 'Hello')
  },
)

t.test('the list can be of one author', async (t) => {
  const [mine, other] = [await written(ada), await written(eve)]
  const { items } = read(
    await app.inject(`/api/v1/posts?author=${mine.author.id}&limit=100`),
    200,
    schemas.posts,
  )
  t.ok(items.every(({ author }) => author.id === mine.author.id))
  t.ok(items.some(({ id }) => id === mine.id))
  t.notOk(items.some(({ id }) => id === other.id))
  t.strictSame(read(await app.inject(`/api/v1/posts?author=${randomUUID()}`), 200, schemas.posts), {
    items: [],
    next_cursor: null,
  })
})

t.test('parameters that do not fit are named', async (t) => {
  const cases = {
    'limit=0': 'limit',
    'limit=101': 'limit',
    'limit=1&limit=2': 'limit',
    'author=ada': 'author',
    'page=2': 'page',
    'cursor=': 'cursor',
    'cursor=%00': 'cursor',
  }
  for (const [query, name] of Object.entries(cases))
    t.strictSame(fields(t, await app.inject(`/api/v1/posts?${query}`)), [name], query)
})

t.test('whoever reads needs no token, and a bad one does no harm', async (t) => {
  const post = await written(ada)
  const stale = bearer('not.a.token')
  t.equal((await app.inject({ url: '/api/v1/posts', headers: stale })).statusCode, 200)
  t.equal((await get(post.id, stale)).statusCode, 200)
})
