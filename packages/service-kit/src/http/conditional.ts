import { Type } from 'typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { problem } from '../problems/problem.ts'

/** Entity tags (RFC 9110 section 8.8.3), of which some may be missing between two commas (section 5.6.1.2). */
const LIST =
  /^[\s,]*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?:\s*,[\s,]*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")*[\s,]*$/
const TAG = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g

/** Header schemas of routes with preconditions, for their descriptions. */
export const WritePreconditionSchema = Type.Object({
  'if-match': Type.Optional(
    Type.String({ description: 'The `ETag` of the version to change; 412 if it is not the newest' }),
  ),
  'if-none-match': Type.Optional(
    Type.String({ description: 'An `ETag` not to change; 412 if it is the newest, and for `*` always' }),
  ),
})
export const ReadPreconditionSchema = Type.Object({
  'if-match': Type.Optional(
    Type.String({ description: 'The `ETag` of the version to read; 412 if it is not the newest' }),
  ),
  'if-none-match': Type.Optional(
    Type.String({ description: 'The `ETag` that the caller has; 304 if it is the newest' }),
  ),
})
export const NotModifiedSchema = Type.Null({ description: 'The caller has the newest version' })

/** The entity tags that a precondition lists, without their quotes; `*` for any. */
type EntityTags = '*' | readonly string[]

function parseTags(header: string, name: string, keepWeak: boolean): EntityTags {
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

/** The tags of the versions that a write may change. */
export interface Precondition {
  /** These alone; any, if undefined. */
  readonly only: readonly string[] | undefined
  readonly except: readonly string[]
}

/**
 * `If-Match` and `If-None-Match` of a write (RFC 9110 sections 13.1.1 and 13.1.2). Weak tags never match the first,
 * and match the second. Test both in the statement that writes, so that nothing changes in between.
 */
export function writePreconditionOf({ headers }: FastifyRequest): Precondition {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  const only = match === undefined ? '*' : parseTags(match, 'if-match', false)
  const except = noneMatch === undefined ? [] : parseTags(noneMatch, 'if-none-match', true)
  // Whatever there is to change is a version of it.
  if (except === '*') return { only: [], except: [] }
  return { only: only === '*' ? undefined : only, except }
}

/**
 * Evaluates the preconditions of a read (RFC 9110 section 13.2.2) and sets `ETag`. True: answer with `notModified`.
 *
 * @throws {ProblemError} PRECONDITION_FAILED if `If-Match` names other versions alone
 */
export function isNotModified({ headers }: FastifyRequest, reply: FastifyReply, tag: string): boolean {
  reply.header('etag', `"${tag}"`)
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  if (match !== undefined && !isAmong(tag, parseTags(match, 'if-match', false)))
    throw problem('PRECONDITION_FAILED', { headers: { etag: `"${tag}"` } })
  return noneMatch !== undefined && isAmong(tag, parseTags(noneMatch, 'if-none-match', true))
}

function isAmong(tag: string, tags: EntityTags): boolean {
  return tags === '*' || tags.includes(tag)
}

/** Answers 304: the caller has this version already. */
export function notModified(reply: FastifyReply): FastifyReply {
  return reply.code(304).send()
}
