import { randomUUID } from 'node:crypto'
import t from 'tap'
import pg from 'pg'
import { race } from '@portcullis/test-kit'
import { bearer, read, schemas, startContent } from './support/content.ts'

const { app, issuer, config } = await startContent(t)
const ada = bearer(issuer.mint({ user: 'ada' }))
const eve = bearer(issuer.mint({ user: 'eve' }))
const admin = new pg.Client({ connectionString: config.DATABASE_URL })
await admin.connect()
t.teardown(() => admin.end())

const kinds = [
  { kind: 'posts', body: { title: 'a', description: 'b' }, other: { title: 'a', description: 'c' } },
  { kind: 'tasks', body: { title: 'a', description: 'b' }, other: { title: 'a', status: 'done' } },
] as const

async function count(kind: string): Promise<number> {
  const { rows } = await admin.query<{ count: string }>(`select count(*) from ${pg.escapeIdentifier(kind)}`)
  return Number(rows[0]?.count)
}

for (const { kind, body, other } of kinds) {
  const create = (key: string, payload: object = body, headers: Record<string, string> = ada) =>
    app.inject({
      method: 'POST',
      url: `/api/v1/${kind}`,
      headers: { ...headers, 'idempotency-key': key },
      payload,
    })

  t.test(
    `${kind}: a create that is repeated with its key exists once, and gets its first answer again`,
    async (t) => {
      const before = await count(kind)
      const key = randomUUID()
      const first = await create(key)
      t.equal(first.statusCode, 201)
      t.equal(first.headers['idempotency-replayed'], undefined)
      await app.inject({
        method: 'PATCH',
        url: String(first.headers.location),
        headers: ada,
        payload: { title: 'changed' },
      })
      for (const payload of [body, Object.fromEntries(Object.entries(body).toReversed())]) {
        const again = await create(key, payload)
        t.equal(again.statusCode, 201)
        t.equal(again.body, first.body)
        t.equal(again.headers.location, first.headers.location)
        t.equal(again.headers.etag, first.headers.etag)
        t.equal(again.headers['idempotency-replayed'], 'true')
      }
      t.equal(await count(kind), before + 1)
    },
  )

  t.test(`${kind}: the same key with another body is refused`, async (t) => {
    const key = randomUUID()
    await create(key)
    t.equal(read(await create(key, other), 422, schemas.problem).code, 'IDEMPOTENCY_KEY_REUSED')
  })

  t.test(
    `${kind}: of many that come at once with one key one creates, the others get its answer or are told to wait`,
    async (t) => {
      const before = await count(kind)
      const key = randomUUID()
      const results = await race(10, () => create(key))
      const answers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      t.equal(answers.length, 10)
      t.equal(
        answers.filter((answer) => answer.statusCode === 201 && !answer.headers['idempotency-replayed'])
          .length,
        1,
      )
      for (const answer of answers) {
        if (answer.statusCode === 201) continue
        t.equal(read(answer, 409, schemas.problem).code, 'IDEMPOTENCY_KEY_RUNNING')
        t.ok(answer.headers['retry-after'])
      }
      t.equal(
        new Set(answers.filter((answer) => answer.statusCode === 201).map((answer) => answer.body)).size,
        1,
      )
      t.equal(await count(kind), before + 1)
    },
  )

  t.test(`${kind}: a key is its user’s own`, async (t) => {
    const key = randomUUID()
    const [first, second] = [await create(key), await create(key, body, eve)]
    t.equal(second.statusCode, 201)
    t.not(second.headers.location, first.headers.location)
  })

  t.test(`${kind}: only successes are remembered`, async (t) => {
    const key = randomUUID()
    t.equal((await create(key, { title: '' })).statusCode, 400)
    t.equal((await create(key)).statusCode, 201)
  })

  t.test(`${kind}: a key is good for 24 hours`, async (t) => {
    const key = randomUUID()
    const first = await create(key)
    await admin.query(`update idempotency_keys set created_at = created_at - interval '24 hours'`)
    const second = await create(key, other)
    t.equal(second.statusCode, 201)
    t.not(second.headers.location, first.headers.location)
    t.equal((await create(key, other)).body, second.body)
  })

  t.test(`${kind}: a key that is none is refused`, async (t) => {
    for (const key of ['', 'x'.repeat(256), 'a b', 'é'])
      t.match(read(await create(key), 400, schemas.problem).errors, [{ parameter: 'idempotency-key' }], key)
  })
}

t.test('a key is of its route: the same one elsewhere is another', async (t) => {
  const key = randomUUID()
  for (const { kind, body } of kinds) {
    const headers = { ...ada, 'idempotency-key': key }
    t.equal(
      (await app.inject({ method: 'POST', url: `/api/v1/${kind}`, headers, payload: body })).statusCode,
      201,
    )
  }
})

t.test('neither key nor body can be read from what is remembered', async (t) => {
  const key = `key-${randomUUID()}`
  const payload = { title: 'a', description: 'hunter2' }
  await app.inject({
    method: 'POST',
    url: '/api/v1/posts',
    headers: { ...ada, 'idempotency-key': key },
    payload,
  })
  const { rows } = await admin.query<{ key: Buffer; body: Buffer }>('select key, body from idempotency_keys')
  t.ok(rows.every((row) => row.key.length === 32 && row.body.length === 32))
})
