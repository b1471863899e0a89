import { PROBLEMS, type FieldError, type Problem, type ProblemCode } from '@portcullis/schemas'

export interface ProblemOptions {
  /** What happened this time, in words that the caller may read. */
  readonly detail?: string
  readonly errors?: readonly FieldError[]
  readonly headers?: Readonly<Record<string, string>>
  /** For the log only; never serialised. */
  readonly cause?: unknown
}

/** An error that is answered as a problem document (RFC 9457). Throw it anywhere below a route. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly code: ProblemCode
  readonly statusCode: number
  readonly detail: string | undefined
  readonly errors: readonly FieldError[] | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    super(options.detail ?? PROBLEMS[code].title, { cause: options.cause })
    this.code = code
    this.statusCode = PROBLEMS[code].status
    this.detail = options.detail
    this.errors = options.errors
    this.headers = options.headers ?? {}
  }
}

/** Headers of a problem that may be over in a moment. */
export const RETRY_SOON: Readonly<Record<string, string>> = { 'retry-after': '1' }

/** `throw problem('NOT_FOUND')` */
export function problem(code: ProblemCode, options?: ProblemOptions): ProblemError {
  return new ProblemError(code, options)
}

export function isProblemCode(code: unknown): code is ProblemCode {
  return typeof code === 'string' && Object.hasOwn(PROBLEMS, code)
}

/** The document that the error is answered with; `requestId` becomes `instance`. */
export function problemDocument(error: ProblemError, issuer: string, requestId: string): Problem {
  return {
    type: `${issuer}/problems/${error.code}`,
    title: PROBLEMS[error.code].title,
    status: error.statusCode,
    code: error.code,
    ...(error.detail !== undefined && { detail: error.detail }),
    instance: requestId,
    ...(error.errors !== undefined && { errors: [...error.errors] }),
  }
}
