import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Task } from '@portcullis/schemas'
import { bearer, read, schemas, startContent } from './support/content.ts'

const { app, issuer } = await startContent(t)
const ada = bearer(issuer.mint({ user: 'ada' }))

type Headers = Record<string, string>
type Method = 'GET' | 'PUT' | 'PATCH' | 'DELETE'

const create = (payload: object = { title: 'Water the plants' }, headers: Headers = ada) =>
  app.inject({ method: 'POST', url: '/api/v1/tasks', headers, payload })
const send = (method: Method, id: string, payload?: object, headers: Headers = ada) =>
  app.inject({ method, url: `/api/v1/tasks/${id}`, headers, ...(payload && { payload }) })
const list = async (query = '', headers: Headers = ada) =>
  read(await app.inject({ url: `/api/v1/tasks?${query}`, headers }), 200, schemas.tasks).items
const written = async (payload?: object): Promise<Task> => read(await create(payload), 201, schemas.task)

function fields(t: Test, response: Awaited<ReturnType<typeof create>>): unknown[] {
  const problem = read(response, 400, schemas.problem)
  t.equal(problem.code, 'REQUEST_INVALID')
  return (problem.errors ?? []).map(({ pointer, parameter }) => pointer ?? parameter)
}

t.test('a position in the revocation log that is none is named as the fault', async (t) => {
  const ask = (headers: Headers) =>
    app.inject({ url: '/api/v1/tasks', headers: { ...headers, 'if-revocation-position': 'none' } })
  t.strictSame(fields(t, await ask(ada)), ['if-revocation-position'])
  t.equal((await ask({ authorization: 'Bearer bad' })).statusCode, 401)
})

t.test('a user makes a task and reads it', async (t) => {
  const payload = {
    title: 'Plants',
    description: 'All',
    status: 'in_progress',
    due_at: '2026-12-01T10:00:00.000Z',
  }
  const response = await create(payload)
  const task = read(response, 201, schemas.task)
  t.match(task, payload)
  t.equal(response.headers.location, `/api/v1/tasks/${task.id}`)
  const found = await send('GET', task.id)
  t.strictSame(read(found, 200, schemas.task), task)
  t.equal(found.headers.etag, response.headers.etag)
  t.strictSame(await list(), [task])
})

t.test('tasks read at the same time are each answered to their owner, and to nobody else', async (t) => {
  const alan = bearer(issuer.mint({ user: 'alan' }))
  const users = await Promise.all(
    [ada, alan].map(async (headers) => ({
      headers,
      tasks: await Promise.all(
        ['a', 'b'].map(async (title) => read(await create({ title }, headers), 201, schemas.task)),
      ),
    })),
  )
  const all = users.flatMap(({ tasks }) => tasks)
  const asked = Array.from({ length: 50 }).flatMap(() =>
    users.flatMap(({ headers, tasks }) => [
      ...all.map((task) => ({
        headers,
        id: task.id.toUpperCase(),
        own: tasks.find(({ id }) => id === task.id),
      })),
      { headers, id: randomUUID(), own: undefined },
    ]),
  )
  const answers = await Promise.all(asked.map(({ id, headers }) => send('GET', id, undefined, headers)))
  for (const [n, answer] of answers.entries()) {
    const own = asked[n]?.own
    if (own) t.strictSame(read(answer, 200, schemas.task), own)
    else t.equal(read(answer, 404, schemas.problem).code, 'NOT_FOUND')
  }
})

t.test('what is left out of a new task has a default', async (t) => {
  t.match(await written({ title: 'Plants' }), { description: '', status: 'todo', due_at: null })
})

t.test('times are answered in UTC', async (t) => {
  const task = await written({ title: 'Plants', due_at: '2026-12-01T10:00:00+02:00' })
  t.equal(task.due_at, '2026-12-01T08:00:00.000Z')
  const edge = await written({ title: 'Edge', due_at: '9999-12-31T23:59:59.999Z' })
  t.equal(edge.due_at, '9999-12-31T23:59:59.999Z')
})

t.test('a time that is taken is answered alike, whichever request has set it', async (t) => {
  const { id } = await written()
  for (const [due_at, answered] of [
    ['9999-12-31T23:59:59.9999Z', '9999-12-31T23:59:59.999Z'],
    ['0000-12-31T23:00:00-05:00', '0001-01-01T04:00:00.000Z'],
    ['2026-11-22T10:00:00+18:00', '2026-11-21T16:00:00.000Z'],
    ['2026-11-22T10:00:00.123456789-16:00', '2026-11-23T02:00:00.123Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ] as const) {
    t.equal((await written({ title: 'Plants', due_at })).due_at, answered)
    for (const method of ['PUT', 'PATCH'] as const)
      t.equal(
        read(await send(method, id, { title: 'Plants', due_at }), 200, schemas.task).due_at,
        answered,
        `${method} ${due_at}`,
      )
    t.ok((await list('limit=100')).some((task) => task.id === id && task.due_at === answered))
  }
})

t.test('a day or an hour that there is not is no time', async (t) => {
  const { id } = await written()
  for (const due_at of [
    '2026-02-30T10:00:00Z',
    '2026-04-31T10:00:00Z',
    '2027-02-29T10:00:00Z',
    '2026-13-01T10:00:00Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T10:00:60Z',
    '2026-11-22T10:00:00+24:00',
    '2026-11-22T10:00:00',
    '9999-12-31T23:59:59-00:01',
    '0000-12-31T23:59:59Z',
  ]) {
    t.strictSame(fields(t, await create({ title: 'Plants', due_at })), ['/due_at'], due_at)
    for (const method of ['PUT', 'PATCH'] as const)
      t.strictSame(fields(t, await send(method, id, { title: 'Plants', due_at })), ['/due_at'], due_at)
    const query = new URLSearchParams({ due_before: due_at }).toString()
    const listed = await app.inject({ url: `/api/v1/tasks?${query}`, headers: ada })
    t.strictSame(fields(t, listed), ['due_before'], due_at)
  }
})

t.test('answers about tasks are kept by nobody but their user', async (t) => {
  const task = await written()
  for (const response of [
    await create(),
    await send('GET', task.id),
    await app.inject({ url: '/api/v1/tasks', headers: ada }),
  ])
    t.equal(response.headers['cache-control'], 'private, no-cache')
})

t.test('a task that does not fit is refused, with every field named', async (t) => {
  t.strictSame(fields(t, await create({})), ['/title'])
  t.strictSame(
    fields(
      t,
      await create({ title: 1, description: null, status: 'later', due_at: 'tomorrow', owner_id: '1' }),
    ),
    ['/owner_id', '/title', '/description', '/status', '/due_at'],
  )
  t.strictSame(fields(t, await create({ title: 'a', due_at: '2026-02-30' })), ['/due_at'])
})

t.test('PATCH changes what it names', async (t) => {
  const task = await written({ title: 'Plants', description: 'All', due_at: '2026-12-01T10:00:00.000Z' })
  const { updated_at: _, ...rest } = task
  const changed = read(await send('PATCH', task.id, { status: 'done' }), 200, schemas.task)
  t.match(changed, { ...rest, status: 'done' })
  t.equal(read(await send('PATCH', task.id, { due_at: null }), 200, schemas.task).due_at, null)
  t.strictSame(fields(t, await send('PATCH', task.id, {})), [''])
  t.strictSame(fields(t, await send('PATCH', task.id, { status: 'never' })), ['/status'])
  t.strictSame(fields(t, await send('PATCH', 'x', { status: 'done' })), ['id'])
})

t.test('PUT replaces the whole: what it leaves out gets its default', async (t) => {
  const task = await written({
    title: 'Plants',
    description: 'All',
    status: 'done',
    due_at: '2026-12-01T10:00:00.000Z',
  })
  const replaced = read(await send('PUT', task.id, { title: 'Flowers' }), 200, schemas.task)
  t.match(replaced, { id: task.id, title: 'Flowers', description: '', status: 'todo', due_at: null })
  t.strictSame(fields(t, await send('PUT', task.id, { status: 'done' })), ['/title'])
  t.strictSame(read(await send('GET', task.id), 200, schemas.task), replaced)
})

t.test('deleting a task answers with it, once', async (t) => {
  const task = await written()
  t.strictSame(read(await send('DELETE', task.id), 200, schemas.task), task)
  t.equal(read(await send('DELETE', task.id), 404, schemas.problem).code, 'NOT_FOUND')
})

t.test('what is not there cannot be read, replaced, changed or deleted', async (t) => {
  const id = randomUUID()
  for (const [method, payload] of [
    ['GET', undefined],
    ['PUT', { title: 'x' }],
    ['PATCH', { title: 'x' }],
    ['DELETE', undefined],
  ] as const)
    t.equal(read(await send(method, id, payload), 404, schemas.problem).code, 'NOT_FOUND', method)
})

t.test('a request with a parameter that there is not changes nothing', async (t) => {
  const task = await written()
  t.strictSame(fields(t, await send('DELETE', `${task.id}?force=true`)), ['force'])
  t.strictSame(fields(t, await send('PATCH', `${task.id}?dry_run=true`, { title: 'x' })), ['dry_run'])
  t.strictSame(read(await send('GET', task.id), 200, schemas.task), task)
})

t.test('tasks are filtered by status and by when they are due', async (t) => {
  const headers = bearer(issuer.mint({ user: 'grace' }))
  const make = async (title: string, status: string, due_at: string | null) =>
    read(await create({ title, status, due_at }, headers), 201, schemas.task)
  await make('a', 'todo', '2026-01-01T00:00:00Z')
  await make('b', 'todo', '2026-02-01T00:00:00Z')
  await make('c', 'done', '2026-01-15T00:00:00Z')
  await make('d', 'todo', null)
  const titles = async (query: string) => (await list(query, headers)).map(({ title }) => title).join('')
  t.equal(await titles(''), 'dcba')
  t.equal(await titles('status=todo'), 'dba')
  t.equal(await titles('due_before=2026-02-01T00:00:00Z'), 'ca')
  t.equal(await titles('due_before=2026-02-01T01:00:00%2B01:00'), 'ca')
  t.equal(await titles('status=todo&due_before=2026-02-01T00:00:00.001Z'), 'ba')
  t.equal(await titles('status=in_progress'), '')
})

t.test(
  'when a task is due is compared to the millisecond, whatever the year and the zone of the service',
  async (t) => {
    // Local times of these years were minutes and seconds away from UTC.
    const zone = process.env['TZ']
    t.teardown(() => {
      if (zone === undefined) delete process.env['TZ']
      else process.env['TZ'] = zone
    })
    const headers = bearer(issuer.mint({ user: 'charles' }))
    const due = ['0001-01-01T00:00:00.000Z', '1815-12-10T12:00:00.000Z', '2026-02-01T00:00:00.000Z']
    for (const due_at of due) read(await create({ title: due_at, due_at }, headers), 201, schemas.task)
    for (const name of ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kolkata']) {
      process.env['TZ'] = name
      for (const [index, time] of due.entries()) {
        const before = async (at: string) =>
          (await list(`due_before=${at}`, headers)).map(({ title }) => title).toReversed()
        t.strictSame(await before(time), due.slice(0, index), `${name} ${time}`)
        t.strictSame(await before(time.replace('.000Z', '.001Z')), due.slice(0, index + 1), `${name} ${time}`)
      }
    }
  },
)

t.test('parameters that do not fit are named', async (t) => {
  for (const [query, name] of [
    ['status=never', 'status'],
    ['status=todo&status=done', 'status'],
    ['due_before=soon', 'due_before'],
    ['due_before=2026-01-01', 'due_before'],
    ['limit=1000', 'limit'],
    ['owner=1', 'owner'],
  ] as const)
    t.strictSame(fields(t, await app.inject({ url: `/api/v1/tasks?${query}`, headers: ada })), [name], query)
})
