import type { FastifyReply, FastifyRequest } from 'fastify'
import type { OAuthErrorBody } from '@portcullis/schemas'
import { asProblem, type ProblemError } from '@portcullis/service-kit'

/**
 * Error codes and their status: RFC 6749 section 5.2; `temporarily_unavailable` is of section 4.1.2.1,
 * `insufficient_scope` of RFC 6750.
 */
const STATUS = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  insufficient_scope: 403,
  temporarily_unavailable: 503,
} as const
export type OAuthErrorCode = keyof typeof STATUS

/** An error that a route under /oauth answers with, in the form that RFC 6749 section 5.2 gives it. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: OAuthErrorCode

  /** @param message for developers to read: ASCII without quotes and backslashes */
  constructor(code: OAuthErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Error handler of the routes under /oauth: their clients know no problem documents. */
export function answerOAuthError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.header('cache-control', 'no-store').type('application/json; charset=utf-8')
  if (error instanceof OAuthError) {
    if (error.code === 'invalid_client')
      reply.header('www-authenticate', 'Basic realm="portcullis", charset="UTF-8"')
    if (error.code === 'temporarily_unavailable') reply.header('retry-after', '1')
    return reply
      .code(STATUS[error.code])
      .send({ error: error.code, error_description: error.message } satisfies OAuthErrorBody)
  }
  const found = asProblem(error, request)
  request.server.countProblem(found.code)
  if (found.statusCode >= 500) {
    const level = found.code === 'INTERNAL' ? 'error' : 'warn'
    request.log[level]({ err: found.cause ?? found, code: found.code }, 'request failed')
  }
  return reply
    .code(found.statusCode)
    .headers({ ...found.headers })
    .send({
      error: codeOf(found),
      error_description: printable(descriptionOf(found)),
    } satisfies OAuthErrorBody)
}

function codeOf({ statusCode }: ProblemError): string {
  if (statusCode === 429 || statusCode === 503) return 'temporarily_unavailable'
  return statusCode >= 500 ? 'server_error' : 'invalid_request'
}

function descriptionOf({ errors, message }: ProblemError): string {
  if (!errors) return message
  return errors.map(({ pointer, detail }) => `${pointer?.slice(1) ?? ''} ${detail}`.trim()).join('; ')
}

/** What `error_description` may hold. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?')
}
