import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import Fastify from 'fastify'
import pg from 'pg'

/**
 * What the services are held against: plain Fastify and pg with named statements, no authentication, no
 * validation beyond the schema. Settings: PORT, DATABASE_URL, and of what GET /answer sends BODY and HEADERS
 * (`name=value&…`).
 */
const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 })
const app = Fastify()

const task = {
  type: 'object',
  properties: Object.fromEntries(
    ['id', 'title', 'description', 'status', 'due_at', 'created_at', 'updated_at'].map((name) => [
      name,
      { type: ['string', 'null'] },
    ]),
  ),
}
const columns = 'id, title, description, status, due_at, created_at, updated_at'

interface TaskRow {
  readonly created_at: Date
  readonly updated_at: Date
}

function toTask(row: TaskRow | undefined) {
  return row && { ...row, created_at: row.created_at.toISOString(), updated_at: row.updated_at.toISOString() }
}

app.get<{ Params: { id: string } }>(
  '/tasks/:id',
  { schema: { response: { 200: task } } },
  async (request) => {
    const { rows } = await pool.query<TaskRow>({
      name: 'task',
      text: `select ${columns} from tasks where id = $1`,
      values: [request.params.id],
    })
    return toTask(rows[0])
  },
)

app.get<{ Querystring: { owner: string } }>(
  '/tasks',
  {
    schema: {
      response: { 200: { type: 'object', properties: { items: { type: 'array', items: task } } } },
    },
  },
  async (request) => {
    const { rows } = await pool.query<TaskRow>({
      name: 'tasks',
      text: `select ${columns} from tasks where owner_id = $1 order by id desc limit 20`,
      values: [request.query.owner],
    })
    return { items: rows.map(toTask) }
  },
)

app.post<{ Body: { title: string; owner_id: string } }>(
  '/tasks',
  {
    schema: {
      body: {
        type: 'object',
        required: ['title', 'owner_id'],
        properties: { title: { type: 'string' }, owner_id: { type: 'string' } },
      },
      response: { 201: task },
    },
  },
  async (request, reply) => {
    const { rows } = await pool.query<TaskRow>({
      name: 'insert',
      text: `insert into tasks (owner_id, title, description, status) values ($1, $2, '', 'todo') returning ${columns}`,
      values: [request.body.owner_id, request.body.title],
    })
    return reply.code(201).send(toTask(rows[0]))
  },
)

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const secret = randomBytes(32)
const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

app.post<{ Body: { id: string } }>('/refresh', async (request) => {
  const { rows } = await pool.query<TaskRow>({
    name: 'update',
    text: `update tasks set version = version + 1, updated_at = now() where id = $1 returning ${columns}`,
    values: [request.body.id],
  })
  const text = `${encoded({ alg: 'ES256', typ: 'at+jwt', kid: 'reference' })}.${encoded({ ...rows[0] })}`
  const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return {
    access_token: `${text}.${signature.toString('base64url')}`,
    refresh_token: `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`,
  }
})

const body = process.env['BODY'] ?? ''
const headers = Object.fromEntries(new URLSearchParams(process.env['HEADERS']))
app.get('/answer', async (_request, reply) => reply.headers(headers).send(body))
app.get('/body', async (_request, reply) => reply.type('application/json; charset=utf-8').send(body))
app.get('/health/ready', async () => ({ status: 'ok' }))

process.on('SIGTERM', () => process.exit(0))
await app.listen({ host: '127.0.0.1', port: Number(process.env['PORT']) })
