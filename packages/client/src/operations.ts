import type { Middleware } from 'openapi-fetch'
import type { Fetch } from './authorized-fetch.ts'
import type { Session } from './session.ts'
import { tokensOf } from './tokens.ts'

/** What would be made twice if it were asked for twice. */
export const CREATES: ReadonlySet<string> = new Set([
  'POST /api/v1/signup',
  'POST /api/v1/posts',
  'POST /api/v1/tasks',
])
/** Answers with the first tokens of a session. */
export const BEGINS: ReadonlySet<string> = new Set(['POST /api/v1/login'])
/** Answers with other tokens for the session. */
export const REPLACES: ReadonlySet<string> = new Set([
  'POST /api/v1/refresh',
  'PATCH /api/v1/users/me',
  'PUT /api/v1/users/me/password',
])
/** After these there is no session. */
export const ENDS: ReadonlySet<string> = new Set([
  'POST /api/v1/logout',
  'POST /api/v1/logout_all',
  'DELETE /api/v1/users/me',
])
/** Takes a form, as RFC 6749, 7009 and 7662 have it, and no JSON. */
export const FORMS: ReadonlySet<string> = new Set([
  'POST /oauth/introspect',
  'POST /oauth/revoke',
  'POST /oauth/token',
])

const CHANGES = [...BEGINS, ...REPLACES, ...ENDS]

/** `fetch` whose answers the session follows: it keeps the tokens in them, and ends when they say so. */
export function followedFetch(session: Session, fetch: Fetch): Fetch {
  return async (request, init) => {
    const operation = operationOf(request)
    if (operation === undefined) return fetch(request, init)
    const sent = tokenOf(request)
    const work = async () => {
      const response = await fetch(request, init)
      if (response.ok) await follow(session, operation, response, sent)
      return response
    }
    // A login ends no session that a refresh could miss.
    return BEGINS.has(operation) ? work() : session.change(work)
  }
}

/**
 * Gives requests that create something a key, and makes forms of the bodies that are to be one; follows
 * calls that were given a `fetch` other than `followed`.
 */
export function followCalls(session: Session, followed: Fetch): Middleware {
  /** What a `fetch` that is not ours is likely to send, if it uses the session's. */
  const held = new WeakMap<Request, string | undefined>()
  return {
    async onRequest({ request, schemaPath, options }) {
      if (options.fetch !== followed) held.set(request, await session.accessToken())
      const operation = `${request.method} ${schemaPath}`
      if (CREATES.has(operation) && !request.headers.has('idempotency-key'))
        request.headers.set('idempotency-key', randomKey())
      // Not what the caller has made a form of.
      const isJson = request.headers.get('content-type') === 'application/json'
      return FORMS.has(operation) && isJson ? withForm(request) : undefined
    },
    async onResponse({ request, response, options }) {
      const operation = options.fetch === followed ? undefined : operationOf(request)
      if (operation === undefined || !response.ok) return
      await follow(session, operation, response, tokenOf(request) ?? held.get(request))
    },
  }
}

/** @param sent the access token that the request was sent with */
async function follow(
  session: Session,
  operation: string,
  response: Response,
  sent: string | undefined,
): Promise<void> {
  if (ENDS.has(operation)) return session.finish(sent)
  const tokens = tokensOf(await response.clone().json())
  if (tokens === undefined) throw new TypeError(`${operation} answered without tokens`)
  await (BEGINS.has(operation) ? session.begin(tokens) : session.replace(sent, tokens))
}

/** Which of the operations that the session follows it asks for, whatever path auth is reached under. */
function operationOf(request: Request): string | undefined {
  const { pathname } = new URL(request.url)
  return CHANGES.find((operation) => {
    const [method, path = ''] = operation.split(' ')
    return request.method === method && pathname.endsWith(path)
  })
}

function tokenOf(request: Request): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
}

/** What forms were made of. In Node a form follows the signal of that only for as long as that lives. */
const origins = new WeakMap<Request, Request>()

/** openapi-fetch writes every body as JSON: its serializers are not told what for. */
async function withForm(request: Request): Promise<Request> {
  const members: unknown = await request.clone().json()
  const body = new URLSearchParams(
    Object.entries(members ?? {}).map(([name, value]) => [name, String(value)]),
  )
  const headers = new Headers(request.headers)
  headers.set('content-type', 'application/x-www-form-urlencoded')
  const form = new Request(request, { method: request.method, headers, body })
  origins.set(form, request)
  return form
}

/** 128 random bits; `crypto.randomUUID` is missing on pages that came by plain HTTP. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
