import type { FieldError } from '@portcullis/schemas'
import type { FastifySchemaValidationError } from 'fastify'

/** How many fields one answer names; a body can have thousands at fault. */
const MAX_ERRORS = 20
const MAX_NAME_LENGTH = 100
export const UNKNOWN = 'is not known here'

const CODES: Readonly<Record<string, string>> = {
  required: 'required',
  additionalProperties: 'unknown',
  type: 'type',
  minLength: 'too_short',
  maxLength: 'too_long',
  pattern: 'pattern',
  format: 'format',
  const: 'one_of',
  enum: 'one_of',
  anyOf: 'one_of',
  minimum: 'too_small',
  maximum: 'too_large',
  minItems: 'too_few',
  maxItems: 'too_many',
  uniqueItems: 'repeated',
  minProperties: 'empty',
}

/** The part of the request that did not fit its schema. */
export type RequestPart = 'body' | 'params' | 'querystring' | 'headers'

/**
 * What AJV found, as the fields of a problem document: a JSON pointer into the body, or the name of a
 * parameter. Says what was expected and never what was sent.
 *
 * @param query the parsed query, to tell a repeated parameter from one of a wrong type.
 */
export function fieldErrors(
  errors: readonly FastifySchemaValidationError[],
  part: RequestPart,
  query?: unknown,
): FieldError[] {
  const found = new Map<string, FieldError>()
  const isRedundant = redundancyOf(errors)
  for (const error of errors) {
    const path = pathOf(error)
    if (found.has(path) || isRedundant(error, path)) continue
    const repeated = part === 'querystring' && isRepeated(query, path)
    found.set(path, {
      ...(part === 'body' ? { pointer: path } : { parameter: unescapePointer(path.slice(1)) }),
      code: repeated ? 'repeated' : (CODES[error.keyword] ?? 'invalid'),
      detail: repeated ? 'is given more than once' : detailOf(error, errors),
    })
    if (found.size === MAX_ERRORS) break
  }
  return [...found.values()]
}

/** Everything in a body of which nothing is known; none of an empty object. */
export function unknownFields(body: unknown): FieldError[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return [{ pointer: '', code: 'type', detail: 'must be object' }]
  return someNames(body).map((name) => ({
    pointer: `/${escapePointer(name)}`,
    code: 'unknown',
    detail: UNKNOWN,
  }))
}

/** Everything in a query of which nothing is known. */
export function unknownParameters(query: unknown): FieldError[] {
  if (typeof query !== 'object' || query === null) return []
  return someNames(query).map((parameter) => ({ parameter, code: 'unknown', detail: UNKNOWN }))
}

/** As many as one answer names. */
function someNames(given: object): string[] {
  return Object.keys(given).slice(0, MAX_ERRORS).map(shorten)
}

/**
 * Tells which errors of unions say nothing more. What was sent fits none of the branches, and each says why: that is
 * one error, of the union, unless a branch found something inside. Then that is what is wrong, and the union and its
 * other branches are left out: a body of `{"extra": 1}` was not meant to be null.
 */
function redundancyOf(
  errors: readonly FastifySchemaValidationError[],
): (error: FastifySchemaValidationError, path: string) => boolean {
  const unions = new Set(
    errors.filter((error) => error.keyword === 'anyOf').map((error) => error.instancePath),
  )
  const withErrorsInside = new Set(unions.size === 0 ? [] : errors.map(pathOf).flatMap(ancestorsOf))
  return ({ keyword, instancePath }, path) =>
    unions.has(instancePath) &&
    (keyword === 'anyOf' ? withErrorsInside.has(instancePath) : path === instancePath)
}

/** The JSON pointers of everything that what the pointer leads to is in. */
function ancestorsOf(pointer: string): string[] {
  const ancestors: string[] = []
  for (let rest = pointer; rest !== '';) {
    rest = rest.slice(0, Math.max(rest.lastIndexOf('/'), 0))
    ancestors.push(rest)
  }
  return ancestors
}

/** Of a missing field and of an unknown one, that field's. */
function pathOf({ keyword, instancePath, params }: FastifySchemaValidationError): string {
  const name =
    keyword === 'required'
      ? params['missingProperty']
      : keyword === 'additionalProperties'
        ? params['additionalProperty']
        : undefined
  return typeof name === 'string' ? `${instancePath}/${escapePointer(shorten(name))}` : instancePath
}

function detailOf(error: FastifySchemaValidationError, all: readonly FastifySchemaValidationError[]): string {
  if (error.keyword === 'required') return 'is required'
  if (error.keyword === 'additionalProperties') return UNKNOWN
  if (error.keyword === 'minProperties') return 'must have at least one field'
  if (error.keyword !== 'anyOf') return error.message ?? 'is not valid'

  const branches = all.filter((other) => other !== error && other.instancePath === error.instancePath)
  const allowed = branches.flatMap((branch) =>
    branch.keyword === 'const' ? [String(branch.params['allowedValue'])] : [],
  )
  if (allowed.length > 0) return `must be one of ${allowed.join(', ')}`
  return [...new Set(branches.map((branch) => branch.message ?? 'is not valid'))].join(' or ')
}

function isRepeated(query: unknown, path: string): boolean {
  return (
    typeof query === 'object' &&
    query !== null &&
    Array.isArray(Reflect.get(query, unescapePointer(path.slice(1))))
  )
}

/** A name from outside as it may stand in an answer: short, and text. */
export function shorten(name: string): string {
  return name.slice(0, MAX_NAME_LENGTH).toWellFormed()
}

/** RFC 6901 section 3. */
export function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

function unescapePointer(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~')
}
