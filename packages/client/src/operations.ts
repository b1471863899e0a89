import type { Middleware } from 'openapi-fetch'
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

/** Lets the session follow what operations do to it, and gives those that create something a key. */
export function followOperations(session: Session): Middleware {
  return {
    onRequest({ request, schemaPath }) {
      const isCreate = CREATES.has(`${request.method} ${schemaPath}`)
      if (isCreate && !request.headers.has('idempotency-key'))
        request.headers.set('idempotency-key', randomKey())
    },
    async onResponse({ request, response, schemaPath }) {
      if (!response.ok) return
      const operation = `${request.method} ${schemaPath}`
      if (ENDS.has(operation)) await session.forget()
      if (!BEGINS.has(operation) && !REPLACES.has(operation)) return
      const tokens = tokensOf(await response.clone().json())
      if (tokens === undefined) throw new TypeError(`${operation} answered without tokens`)
      await (BEGINS.has(operation) ? session.begin(tokens) : session.replace(tokens))
    },
  }
}

/** 128 random bits; `crypto.randomUUID` is missing on pages that came by plain HTTP. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
