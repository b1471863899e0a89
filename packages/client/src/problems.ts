/** The body of every error (RFC 9457). The errors of `/oauth` are brought into this form. */
export interface Problem {
  /** URL of a page about this code. */
  readonly type: string
  readonly title: string
  readonly status: number
  /** Stable name of the error, such as `AUTH_USERNAME_TAKEN`. */
  readonly code: string
  readonly detail?: string
  /** Id of the request, also in the log of the service. */
  readonly instance: string
  /** The fields at fault; `pointer` leads into the body, `parameter` names one of path, query or headers. */
  readonly errors?: readonly FieldError[]
}

export interface FieldError {
  readonly pointer?: string
  readonly parameter?: string
  readonly code: string
  readonly detail: string
}

/** An answer that is an error. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly problem: Problem
  readonly response: Response

  constructor(problem: Problem, response: Response) {
    super(problem.detail ?? problem.title)
    this.problem = problem
    this.response = response
  }

  get status(): number {
    return this.problem.status
  }

  /**
   * Stable name of the error; under `/oauth` that of RFC 6749, such as `invalid_client`. `HTTP_<status>` if the answer
   * names none, as a gateway's own may not.
   */
  get code(): string {
    return this.problem.code
  }

  /** What is wrong with a field, by its JSON pointer (`/username`) or its parameter's name. */
  errorOf(field: string): FieldError | undefined {
    return this.problem.errors?.find(({ pointer, parameter }) => pointer === field || parameter === field)
  }

  /** Seconds until it may be tried again; undefined if the answer does not say. */
  get retryAfterSeconds(): number | undefined {
    const seconds = Number.parseInt(this.response.headers.get('retry-after') ?? '', 10)
    return Number.isNaN(seconds) ? undefined : seconds
  }
}

/** The problem in the body of an answer, or what can be said if it holds none. */
export function problemOf(body: unknown, response: Response): Problem {
  if (isProblem(body)) return body
  const { status, statusText } = response
  return {
    type: 'about:blank',
    title: statusText || `Status ${status}`,
    status,
    code: `HTTP_${status}`,
    instance: response.headers.get('x-request-id') ?? '',
    ...oauthErrorOf(body),
  }
}

/** The endpoints of OAuth have no problem documents, but a form of their own (RFC 6749 section 5.2). */
function oauthErrorOf(body: unknown): Pick<Problem, 'code' | 'detail'> | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  if (!('error' in body) || typeof body.error !== 'string') return undefined
  const code = body.error
  if (!('error_description' in body) || typeof body.error_description !== 'string') return { code }
  return { code, detail: body.error_description }
}

function isProblem(value: unknown): value is Problem {
  return (
    typeof value === 'object' &&
    value !== null &&
    'code' in value &&
    typeof value.code === 'string' &&
    'title' in value &&
    typeof value.title === 'string' &&
    'status' in value &&
    typeof value.status === 'number'
  )
}

/** What the calls of `client.auth` and `client.content` give. */
export interface Answer<Data> {
  readonly data?: Data
  readonly error?: unknown
  readonly response: Response
}

/**
 * The data of an answer: `const user = await unwrap(client.auth.GET('/api/v1/users/me'))`.
 *
 * @throws {ProblemError} if the answer is an error.
 */
export async function unwrap<Data>(call: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await call
  if (!response.ok || data === undefined) throw new ProblemError(problemOf(error, response), response)
  return data
}
