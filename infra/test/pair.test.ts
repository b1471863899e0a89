import t from 'tap'
import { walk } from '../dev/walk-fetch.ts'
import { steps } from '../dev/walk-steps.ts'
import { startPair, stop } from './support/pair.ts'

t.test('both services behind one origin', async (t) => {
  const { origin, auth, content } = await startPair(t)

  await t.test(
    'a user signs up, logs in, posts, and after logout is refused by content at once',
    async (t) => {
      const taken = []
      for await (const { step, status } of walk(origin)) taken.push([step.title, status])
      t.strictSame(
        taken,
        steps.map((step) => [step.title, step.status]),
      )
    },
  )

  await t.test('the origin shows one document with the routes of both', async (t) => {
    const document = await (await fetch(`${origin}/openapi.json`)).json()
    const paths = Object.keys(Object(document).paths)
    for (const path of ['/api/v1/signup', '/api/v1/posts', '/api/v1/tasks/{id}', '/.well-known/jwks.json'])
      t.ok(paths.includes(path), path)
  })

  await t.test('the origin is ready when both are, and SIGTERM ends each with exit code 0', async (t) => {
    t.equal((await fetch(`${origin}/health/ready`)).status, 200)
    t.equal(await stop(content), 0)
    t.equal((await fetch(`${origin}/health/ready`)).status, 503)
    t.equal(await stop(auth), 0)
  })
})
