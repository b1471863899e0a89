import { once } from 'node:events'
import { createServer } from 'node:http'
import { Kysely, PostgresDialect } from 'kysely'
import t from 'tap'
import { createPool } from '@portcullis/service-kit'
import { createDatabase } from '@portcullis/test-kit'
import type { DB } from '../src/database/tables.ts'
import { UserChangesFollower } from '../src/authors/follower.ts'

const pool = createPool({ url: await createDatabase(t, 'content'), name: 'test' })
const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) })
t.teardown(() => pool.end())

let status = 0
const server = createServer((_request, response) => {
  response.writeHead(status, { 'content-type': 'text/html' }).end('<!doctype html><title>Not auth</title>')
}).listen(0, '127.0.0.1')
await once(server, 'listening')
t.teardown(() => server.close())
const address = server.address()
const port = address !== null && typeof address === 'object' ? address.port : 0

let forgotten = 0
const follower = new UserChangesFollower({
  db,
  authUrl: `http://127.0.0.1:${port}/`,
  token: { get: async () => 'token', forget: () => (forgotten += 1) },
  onVisible: async () => undefined,
  log: { info: () => undefined, warn: () => undefined },
})

t.test('the page of a gateway in front of auth is told by its status, whatever it holds', async (t) => {
  for (status of [401, 502, 503]) await t.rejects(follower.step(), { message: new RegExp(`with ${status}$`) })
  t.equal(forgotten, 1, 'only after 401 is the token asked for again')
})
