import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { createPool } from '@portcullis/service-kit'
import { bearer, read, schemas, startContent } from './support/content.ts'

const { app, config, issuer } = await startContent(t)
const pool = createPool({ url: config.DATABASE_URL, name: 'test' })
t.teardown(() => pool.end())

type Kind = 'posts' | 'tasks'
const KINDS: readonly Kind[] = ['posts', 'tasks']

const create = (kind: Kind, user: string, title: string) =>
  app.inject({
    method: 'POST',
    url: `/api/v1/${kind}`,
    headers: bearer(issuer.mint({ user })),
    payload: { title, description: `of ${title}` },
  })
const created = async (kind: Kind, user: string, title: string) => {
  const response = await create(kind, user, title)
  return kind === 'posts' ? read(response, 201, schemas.post) : read(response, 201, schemas.task)
}

for (const kind of KINDS) {
  const owner = kind === 'posts' ? 'author_id' : 'owner_id'

  t.test(
    `${kind} made at the same moment are made once each, and answered to whom they belong`,
    async (t) => {
      const users = ['ada', 'bob', 'eve', 'joe']
      const make = async (username: string, title: string) => {
        const body = await created(kind, username, title)
        t.match(body, { title, description: `of ${title}` })
        if ('author' in body) t.equal(body.author.username, username)
        return { id: body.id, title, username }
      }
      const made = []
      for (const user of users) made.push(await make(user, 'first'))
      const titles = Array.from({ length: 120 }, (_, n) => `"${n}" \\ {a,b} ü`)
      made.push(...(await Promise.all(titles.map((title, n) => make(users[n % users.length] ?? '', title)))))
      const { rows } = await pool.query<{ id: string }>(
        `select ${kind}.id, title, username from ${kind} join authors on authors.id = ${owner}`,
      )
      const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)
      t.strictSame(rows.toSorted(byId), made.toSorted(byId))
    },
  )

  t.test(
    `nobody's ${kind} wait for an author whom somebody changes, or fail for a deleted one`,
    async (t) => {
      for (const user of ['ada', 'bob']) await created(kind, user, 'first')
      await created(kind, `${kind}-eve`, 'first')
      await pool.query('update authors set deleted = true where username = $1', [`${kind}-eve`])
      const client = await pool.connect()
      await client.query("begin; select from authors where username = 'ada' for update")
      const held = create(kind, 'ada', 'held')
      const others = ['bob', `${kind}-eve`, 'bob'].map((user) => create(kind, user, 'not held'))
      const statuses = (await Promise.all(others)).map(({ statusCode }) => statusCode)
      t.strictSame(statuses, [201, 401, 201])
      t.equal(await Promise.race([held.then(() => 'done'), pause(50, 'waiting')]), 'waiting')
      await client.query('commit')
      client.release()
      t.equal((await held).statusCode, 201)
    },
  )
}
