import t from 'tap'
import { bearer, read, schemas, startContent } from './support/content.ts'

const { app, issuer } = await startContent(t)
const ada = bearer(issuer.mint({ user: 'ada' }))

t.test('a user writes a post, and anyone reads it', async (t) => {
  const payload = { title: 'Hello', description: 'World' }
  const response = await app.inject({ method: 'POST', url: '/api/v1/posts', headers: ada, payload })
  const post = read(response, 201, schemas.post)
  t.match(post, { ...payload, author: { username: 'ada' } })
  t.equal(response.headers.location, `/api/v1/posts/${post.id}`)
  t.strictSame(read(await app.inject(`/api/v1/posts/${post.id}`), 200, schemas.post), post)
  t.strictSame(read(await app.inject('/api/v1/posts'), 200, schemas.posts).items, [post])
})
