import { PROBLEMS, type FieldError, type ProblemCode } from '@portcullis/schemas'

type TokenCode = Extract<
  ProblemCode,
  | 'AUTH_TOKEN_MISSING'
  | 'AUTH_TOKEN_INVALID'
  | 'AUTH_CLIENT_TOKEN'
  | 'AUTH_FORBIDDEN'
  | 'AUTH_SCOPE_INSUFFICIENT'
>

type StaleCode = Extract<ProblemCode, 'AUTH_REVOCATIONS_STALE' | 'UNAVAILABLE'>

/**
 * The caller is refused: 401 for a bad or missing token, 403 for a good one that does not suffice. The
 * message is the same for every token that is refused alike; `reason` tells apart, for logs.
 */
export class TokenError extends Error {
  override readonly name = 'TokenError'
  readonly statusCode: number
  readonly code: TokenCode
  readonly reason: string
  /** Response headers: `WWW-Authenticate` (RFC 6750 section 3), once a middleware has set them. */
  readonly headers: Record<string, string>

  constructor(code: TokenCode, reason: string, headers: Record<string, string> = {}) {
    super(PROBLEMS[code].title)
    this.code = code
    this.statusCode = PROBLEMS[code].status
    this.reason = reason
    this.headers = headers
  }
}

/** The verifier does not know whether the token is good: 503, and worth another try. Never an answer about the token. */
export class StaleError extends Error {
  override readonly name = 'StaleError'
  readonly statusCode = 503
  readonly code: StaleCode
  readonly reason: string
  readonly headers: Record<string, string> = { 'Retry-After': '1' }

  constructor(code: StaleCode, reason: string, options: ErrorOptions = {}) {
    super(PROBLEMS[code].title, options)
    this.code = code
    this.reason = reason
  }
}

/** The token is good, and a header that comes with it is at fault: 400. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly code = 'REQUEST_INVALID'
  readonly statusCode = PROBLEMS.REQUEST_INVALID.status
  /** What is wrong, for the caller. */
  readonly errors: readonly FieldError[]
  readonly headers: Record<string, string> = {}

  constructor(errors: readonly FieldError[]) {
    super(PROBLEMS.REQUEST_INVALID.title)
    this.errors = errors
  }
}

/** What a caller is told; anything else is a fault, and says nothing about a token. */
export type Refusal = TokenError | StaleError | RequestError

export function isRefusal(error: unknown): error is Refusal {
  return [TokenError, StaleError, RequestError].some((kind) => error instanceof kind)
}

export function invalidToken(reason: string): TokenError {
  return new TokenError('AUTH_TOKEN_INVALID', reason)
}
