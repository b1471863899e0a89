import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { ProblemSchema, type ProblemCode } from '@portcullis/schemas'
import { databaseProblem } from './database.ts'
import {
  ProblemError,
  RETRY_SOON,
  isProblemCode,
  problem,
  problemDocument,
  type ProblemOptions,
} from './problem.ts'
import { fieldErrors } from './validation.ts'

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

/** Of every 401 that has none of its own, a wrong password too (RFC 9110 section 15.5.2). Browsers do not ask for it. */
const CHALLENGE = 'Bearer realm="portcullis"'

const FRAMEWORK_CODES = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'REQUEST_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MEDIA_TYPE_UNSUPPORTED',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'REQUEST_MALFORMED',
  FST_ERR_BAD_URL: 'REQUEST_MALFORMED',
  FST_ERR_MAX_PARAM_LENGTH: 'REQUEST_MALFORMED',
  FST_ERR_NOT_FOUND: 'NOT_FOUND',
  FST_ERR_HANDLER_TIMEOUT: 'UNAVAILABLE',
  FST_UNDER_PRESSURE: 'UNAVAILABLE',
} as const

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Whatever was thrown, as a problem. Errors of other packages count by their `code`, if it is one of ours; what
 * nobody foresaw is INTERNAL, and its message stays in the log.
 */
export function asProblem(error: unknown, request: FastifyRequest): ProblemError {
  if (error instanceof ProblemError) return error
  if (!(error instanceof Error)) return problem('INTERNAL', { cause: error })
  if (isValidationError(error)) {
    const part = error.validationContext ?? 'body'
    return problem('REQUEST_INVALID', {
      errors: fieldErrors(error.validation, part, request.query),
      cause: error,
    })
  }
  const code = 'code' in error ? error.code : undefined
  if (isProblemCode(code))
    return problem(code, { headers: headersOf(error), ...errorsOf(error), cause: error })
  if (isFrameworkCode(code)) {
    const mapped = FRAMEWORK_CODES[code]
    return problem(mapped, { cause: error, ...(mapped === 'UNAVAILABLE' && { headers: RETRY_SOON }) })
  }
  return (
    databaseProblem(error, !SAFE_METHODS.has(request.method)) ??
    clientFault(error) ??
    problem('INTERNAL', { cause: error })
  )
}

/** Errors of streams and parsers that say by their status that the request was at fault. */
function clientFault(error: Error): ProblemError | undefined {
  const status = 'statusCode' in error ? error.statusCode : undefined
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined
  if (status === 404) return problem('NOT_FOUND', { cause: error })
  if (status === 413) return problem('REQUEST_TOO_LARGE', { cause: error })
  if (status === 415) return problem('MEDIA_TYPE_UNSUPPORTED', { cause: error })
  return problem('REQUEST_MALFORMED', { cause: error })
}

function isValidationError(error: Error): error is FastifyError & Required<Pick<FastifyError, 'validation'>> {
  return 'validation' in error && Array.isArray(error.validation)
}

function isFrameworkCode(code: unknown): code is keyof typeof FRAMEWORK_CODES {
  return typeof code === 'string' && Object.hasOwn(FRAMEWORK_CODES, code)
}

function headersOf(error: Error): Record<string, string> {
  const headers = 'headers' in error ? error.headers : undefined
  if (typeof headers !== 'object' || headers === null) return {}
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}

const isFieldErrors = Compile(Type.Pick(ProblemSchema, ['errors']))

function errorsOf(error: Error): Pick<ProblemOptions, 'errors'> {
  const { errors } = isFieldErrors.Check(error) ? error : {}
  return errors === undefined ? {} : { errors }
}

/** Fastify's error handler: answers with the problem document and logs what is our fault. */
export function problemHandler(issuer: string, count: (code: ProblemCode) => void = () => undefined) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const found = asProblem(error, request)
    count(found.code)
    if (found.statusCode >= 500) {
      const level = found.code === 'INTERNAL' ? 'error' : 'warn'
      request.log[level]({ err: found.cause ?? found, code: found.code }, 'request failed')
    } else {
      request.log.debug({ code: found.code }, 'request refused')
    }
    // A header that the handler set for its success, such as an ETag, does not belong to the error.
    for (const name of ['etag', 'last-modified', 'location']) reply.removeHeader(name)
    reply.headers({ 'cache-control': 'no-store', 'x-request-id': request.id, ...found.headers })
    if (found.statusCode === 401 && !reply.hasHeader('www-authenticate'))
      reply.header('www-authenticate', CHALLENGE)
    return reply
      .code(found.statusCode)
      .type(PROBLEM_TYPE)
      .send(problemDocument(found, issuer, request.id))
  }
}
