import t from 'tap'
import { readAll } from './support/pages.ts'
import { bearer, read, schemas, startContent } from './support/content.ts'

const { app, issuer } = await startContent(t)
const ada = bearer(issuer.mint({ user: 'ada' }))
const eve = bearer(issuer.mint({ user: 'eve' }))
const cursorOf = async (url: string, headers = {}) =>
  read(await app.inject({ url, headers }), 200, schemas.posts).next_cursor ?? ''

async function createPosts(headers: Record<string, string>, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let n = 0; n < count; n++) {
    const payload = { title: `Post ${n}`, description: '' }
    ids.unshift(
      read(await app.inject({ method: 'POST', url: '/api/v1/posts', headers, payload }), 201, schemas.post)
        .id,
    )
  }
  return ids
}

t.test('pages show every post once, newest first', async (t) => {
  const ids = await createPosts(ada, 23)
  const pages = await readAll(app, '/api/v1/posts?limit=5', schemas.posts)
  t.strictSame(
    pages.map((page) => page.length),
    [5, 5, 5, 5, 3],
  )
  t.strictSame(
    pages.flat().map(({ id }) => id),
    ids,
  )
  const exact = await readAll(app, '/api/v1/posts?limit=23', schemas.posts)
  t.equal(exact.length, 1, 'a page that is just full is the last')
  t.equal(read(await app.inject('/api/v1/posts'), 200, schemas.posts).items.length, 20, 'twenty by default')
})

t.test('what is written while somebody reads on moves nothing', async (t) => {
  const before = (await readAll(app, '/api/v1/posts?limit=100', schemas.posts)).flat()
  const first = read(await app.inject('/api/v1/posts?limit=5'), 200, schemas.posts)
  await createPosts(ada, 3)
  const second = read(
    await app.inject(`/api/v1/posts?limit=5&cursor=${first.next_cursor ?? ''}`),
    200,
    schemas.posts,
  )
  t.strictSame([...first.items, ...second.items], before.slice(0, 10))
})

t.test('a cursor is good for the list that gave it, and for no other', async (t) => {
  await createPosts(eve, 3)
  const [post] = read(await app.inject('/api/v1/posts?limit=1'), 200, schemas.posts).items
  const author = post?.author.id ?? ''
  const cursor = await cursorOf('/api/v1/posts?limit=2')
  const ofAuthor = await cursorOf(`/api/v1/posts?limit=2&author=${author}`)
  t.equal((await app.inject(`/api/v1/posts?limit=3&cursor=${cursor}`)).statusCode, 200)
  t.equal((await app.inject(`/api/v1/posts?author=${author}&cursor=${ofAuthor}`)).statusCode, 200)
  for (const url of [
    `/api/v1/posts?author=${author}&cursor=${cursor}`,
    `/api/v1/posts?cursor=${ofAuthor}`,
    `/api/v1/tasks?cursor=${cursor}`,
  ])
    t.match(read(await app.inject({ url, headers: ada }), 400, schemas.problem).errors, [
      { parameter: 'cursor' },
    ])
})

t.test('a cursor that was touched is refused', async (t) => {
  const cursor = await cursorOf('/api/v1/posts?limit=2')
  const touched = [
    `${cursor}A`,
    cursor.slice(1),
    cursor.slice(0, -1),
    cursor.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')),
    cursor.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
    Buffer.from(JSON.stringify({ id: 1 })).toString('base64url'),
    'x',
    '====',
    "' or 1=1 --",
  ]
  for (const text of touched) {
    const response = await app.inject(`/api/v1/posts?cursor=${encodeURIComponent(text)}`)
    t.match(read(response, 400, schemas.problem).errors, [{ parameter: 'cursor' }], text)
  }
})

t.test('tasks are paged alike, within their filters', async (t) => {
  for (let n = 0; n < 7; n++) {
    const payload = { title: `Task ${n}`, status: n % 2 === 0 ? 'todo' : 'done' }
    await app.inject({ method: 'POST', url: '/api/v1/tasks', headers: ada, payload })
  }
  const pages = await readAll(app, '/api/v1/tasks?limit=3&status=todo', schemas.tasks, ada)
  t.strictSame(
    pages.map((page) => page.map(({ title }) => title)),
    [['Task 6', 'Task 4', 'Task 2'], ['Task 0']],
  )
  const { next_cursor: cursor } = read(
    await app.inject({ url: '/api/v1/tasks?limit=3', headers: ada }),
    200,
    schemas.tasks,
  )
  const stolen = await app.inject({ url: `/api/v1/tasks?cursor=${cursor ?? ''}`, headers: eve })
  t.equal(stolen.statusCode, 400, 'a cursor is of its user too')
})
