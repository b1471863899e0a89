import { Type } from 'typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { problem } from '../problems/problem.ts'

const LIST = /^\s*(W\/)?"[\x21\x23-\x7e]*"(\s*,\s*(W\/)?"[\x21\x23-\x7e]*")*\s*$/
const TAG = /(W\/)?"([\x21\x23-\x7e]*)"/g

/** Header schemas of routes with preconditions, for their descriptions. */
export const IfMatchSchema = Type.Object({
  'if-match': Type.Optional(
    Type.String({ description: 'The `ETag` of the version to change; 412 if it is not the newest' }),
  ),
})
export const IfNoneMatchSchema = Type.Object({
  'if-none-match': Type.Optional(
    Type.String({ description: 'The `ETag` that the caller has; 304 if it is the newest' }),
  ),
})
export const NotModifiedSchema = Type.Null({ description: 'The caller has the newest version' })

/** The tags that a precondition lists, without their quotes; `*` for any. */
export type Tags = '*' | readonly string[]

function parseTags(header: string, name: string, keepWeak: boolean): Tags {
  if (header.trim() === '*') return '*'
  if (header.length > 2000 || !LIST.test(header)) {
    throw problem('REQUEST_INVALID', {
      errors: [{ parameter: name, code: 'format', detail: 'must be * or a list of entity tags' }],
    })
  }
  return [...header.matchAll(TAG)].flatMap(([, weak, tag = '']) =>
    weak === undefined || keepWeak ? [tag] : [],
  )
}

/**
 * `If-Match` of a write (RFC 9110 section 13.1.1): the versions that may be changed, or undefined for any. Weak
 * tags never match. Test them in the statement that writes, so that nothing changes in between.
 */
export function ifMatch(request: FastifyRequest): readonly string[] | undefined {
  const header = request.headers['if-match']
  if (header === undefined) return undefined
  const tags = parseTags(header, 'if-match', false)
  return tags === '*' ? undefined : tags
}

/** Sets `ETag`, and says whether the caller has this version already (`If-None-Match`): answer 304 then. */
export function isFresh(request: FastifyRequest, reply: FastifyReply, tag: string): boolean {
  reply.header('etag', `"${tag}"`)
  const header = request.headers['if-none-match']
  if (header === undefined) return false
  const tags = parseTags(header, 'if-none-match', true)
  return tags === '*' || tags.includes(tag)
}

/** Answers 304: the caller has this version already. */
export function notModified(reply: FastifyReply): FastifyReply {
  return reply.code(304).send()
}
