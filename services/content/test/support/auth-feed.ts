import { createServer } from 'node:http'
import type { UserChange, UserChanges } from '@portcullis/schemas'
import type { Teardown } from '@portcullis/test-kit'

/** Stands in for the end of auth that tells other services of its users. */
export interface AuthFeed {
  readonly url: string
  /** A user has signed up, or has a new name. */
  rename(id: string, username: string): void
  delete(id: string): void
  /** Forgets the log of changes, as after a backup was restored: whoever follows it has to begin again. */
  expire(): void
  /** From now on questions get no answer, until `resume`. */
  pause(): void
  resume(): void
  /** Called when a page of all users has been made, before it is answered. */
  onPage: (() => Promise<void>) | undefined
}

const TIME = '2026-11-21T09:30:00.000Z'

/** Starts it on a free port. Pages hold `limit` items, so that there are several. */
export async function startAuthFeed(t: Teardown, limit = 3): Promise<AuthFeed> {
  const users = new Map<string, string>()
  let log: UserChange[] = []
  let epoch = 1
  let gate = Promise.withResolvers<void>()
  gate.resolve()

  const append = (id: string, username: string, deleted: boolean) =>
    log.push({ seq: log.length + 1, user_id: id, username, deleted, at: TIME })

  const page = (after: string): UserChanges | undefined => {
    const [phase = 'users', at = String(epoch), from = '0', seen = ''] = after === '' ? [] : after.split('.')
    if (Number(at) !== epoch) return undefined
    if (phase === 'changes') {
      const items = log.slice(Number(from), Number(from) + limit)
      const to = Number(from) + items.length
      return { items, next: `changes.${epoch}.${to}`, more: to < log.length, snapshot: null }
    }
    const seq = after === '' ? log.length : Number(from)
    const ids = [...users.keys()].sort((a, b) => (a < b ? -1 : 1)).filter((id) => id > seen)
    const items = ids
      .slice(0, limit)
      .map((id) => ({ seq, user_id: id, username: users.get(id) ?? '', deleted: false, at: TIME }))
    const complete = ids.length <= limit
    const next = complete ? `changes.${epoch}.${seq}` : `users.${epoch}.${seq}.${ids[limit - 1] ?? ''}`
    return { items, next, more: !complete, snapshot: { seq, complete } }
  }

  const feed: AuthFeed = {
    url: '',
    rename: (id, username) => {
      users.set(id, username)
      append(id, username, false)
    },
    delete: (id) => {
      append(id, users.get(id) ?? '', true)
      users.delete(id)
    },
    expire: () => {
      epoch += 1
      log = []
    },
    pause: () => (gate = Promise.withResolvers()),
    resume: () => gate.resolve(),
    onPage: undefined,
  }

  const answer = async (path: string, query: URLSearchParams): Promise<[number, object]> => {
    await gate.promise
    if (path === '/oauth/token')
      return [200, { access_token: 'token', token_type: 'Bearer', expires_in: 900 }]
    if (path !== '/api/v1/users/changes') return [404, {}]
    const found = page(query.get('after') ?? '')
    if (found === undefined) return [410, {}]
    if (found.snapshot !== null) await feed.onPage?.()
    return [200, found]
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    void answer(url.pathname, url.searchParams).then(([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  return Object.assign(feed, { url: `http://127.0.0.1:${port}` })
}
