import { Type, type Static } from 'typebox'

/** The body of every error (RFC 9457). `errors` names the fields at fault and never echoes a value. */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ format: 'uri-reference', description: 'Leads to a page about this code' }),
    title: Type.String({ description: 'The same for each error of this code' }),
    status: Type.Integer({ description: 'That of the answer' }),
    code: Type.String({ description: 'Stable name of the error' }),
    detail: Type.Optional(Type.String({ description: 'What happened this time' })),
    instance: Type.String({ description: 'Id of the request, also in the log' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.Optional(Type.String({ description: 'JSON pointer into the body' })),
          parameter: Type.Optional(
            Type.String({ description: 'Name of the path, query or header parameter' }),
          ),
          code: Type.String({ description: 'Stable name of what is wrong with the field' }),
          detail: Type.String({ description: 'What was expected; never what was sent' }),
        }),
        { description: 'The fields at fault' },
      ),
    ),
  },
  { $id: 'Problem', description: 'The body of every error (RFC 9457)' },
)
export type Problem = Static<typeof ProblemSchema>
export type FieldError = NonNullable<Problem['errors']>[number]

interface ProblemKind {
  readonly status: number
  /** Short and the same each time. */
  readonly title: string
  /** What it means and what to do, for the page behind `type`. */
  readonly help: string
}

/** Every error that the services answer with, by its stable code. */
export const PROBLEMS = {
  REQUEST_INVALID: {
    status: 400,
    title: 'The request does not fit the schema',
    help: 'One or more fields or parameters are missing, unknown, repeated or malformed. `errors` names each of them; correct them and send the request again.',
  },
  REQUEST_MALFORMED: {
    status: 400,
    title: 'The request could not be read',
    help: 'The body is not valid JSON, or the request itself is malformed. Check the syntax and the length that was announced.',
  },
  REQUEST_TOO_LARGE: {
    status: 413,
    title: 'The request is too large',
    help: 'Bodies are limited to 1 MiB. Send less at a time.',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    title: 'The request took too long to arrive',
    help: 'The whole request has to arrive within its time limit. Send it again on a better connection.',
  },
  MEDIA_TYPE_UNSUPPORTED: {
    status: 415,
    title: 'The content type is not supported',
    help: 'Send `Content-Type: application/json`, or `application/x-www-form-urlencoded` to the routes under `/oauth`, and the body without a `Content-Encoding`.',
  },
  NOT_FOUND: {
    status: 404,
    title: 'Not found',
    help: 'There is no such route or resource, or it is not yours to see.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    title: 'The method is not allowed here',
    help: '`Allow` lists the methods that this resource has.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    title: 'The headers are too large',
    help: 'All headers together are limited to 16 KiB.',
  },
  PRECONDITION_FAILED: {
    status: 412,
    title: 'The resource has changed meanwhile',
    help: '`If-Match` names a version that is not the newest, or `If-None-Match` the newest. Read the resource again, and repeat the change with its new `ETag`.',
  },
  CURSOR_EXPIRED: {
    status: 410,
    title: 'The cursor is too old',
    help: 'What follows it is kept no longer, or the database was restored to another state. Begin again without a cursor.',
  },
  IDEMPOTENCY_KEY_RUNNING: {
    status: 409,
    title: 'A request with this idempotency key is under way',
    help: 'Wait for its answer, or repeat the request after `Retry-After` to be given it.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    title: 'The idempotency key belongs to another request',
    help: 'This `Idempotency-Key` came with another body in the last 24 hours. Use a new key for a new request.',
  },
  CONFLICT: {
    status: 409,
    title: 'The request conflicts with another one',
    help: 'Another request changed the same thing at the same time. Read it again and repeat what you meant to do.',
  },
  RATE_LIMITED: {
    status: 429,
    title: 'Too many requests',
    help: 'The limit is counted a caller and a minute, over all instances. Wait for the seconds in `Retry-After`.',
  },
  INTERNAL: {
    status: 500,
    title: 'Internal error',
    help: 'Something went wrong on our side and has been logged under the id in `instance`.',
  },
  UNAVAILABLE: {
    status: 503,
    title: 'Temporarily unavailable',
    help: 'A store that this request needs is away, or the service is overloaded or stopping. Nothing was changed; try again after `Retry-After`.',
  },
  OUTCOME_UNKNOWN: {
    status: 503,
    title: 'It is not known whether the request took effect',
    help: 'The connection to the database was lost while the change was being committed. Read the state again, or repeat the request with its `Idempotency-Key`.',
  },
  AUTH_TOKEN_MISSING: {
    status: 401,
    title: 'An access token is needed',
    help: 'Send `Authorization: Bearer <access token>`. `POST /api/v1/login` gives one.',
  },
  AUTH_TOKEN_INVALID: {
    status: 401,
    title: 'The access token is not valid',
    help: 'It is malformed, expired, revoked, signed by an unknown key, or meant for someone else. Refresh it, or log in again.',
  },
  AUTH_CLIENT_TOKEN: {
    status: 403,
    title: 'This route is for users',
    help: 'The token was issued to a registered client. Use the token of a user.',
  },
  AUTH_FORBIDDEN: {
    status: 403,
    title: 'You may not do this',
    help: 'The token is good, but its user does not have the role, or does not own the resource.',
  },
  AUTH_SCOPE_INSUFFICIENT: {
    status: 403,
    title: 'The token lacks a scope',
    help: 'The `scope` in `WWW-Authenticate` names what is needed. An admin grants scopes to a client.',
  },
  AUTH_REVOCATIONS_STALE: {
    status: 503,
    title: 'Whether the token has been revoked is not known right now',
    help: 'The verifier has not heard from the revocation log for longer than it may. The token may be good: try again after `Retry-After`.',
  },
  AUTH_CREDENTIALS_WRONG: {
    status: 401,
    title: 'Username or password is wrong',
    help: 'No active user has this name and password. Which of the two is wrong is not told.',
  },
  AUTH_PASSWORD_WRONG: {
    status: 403,
    title: 'The current password is wrong',
    help: 'The access token is good, but the password is changed only by those who know the one it has. Send it as `current_password`.',
  },
  AUTH_LOGIN_THROTTLED: {
    status: 429,
    title: 'Too many failed logins',
    help: 'Wait for the seconds in `Retry-After`; the wait grows with each failure.',
  },
  AUTH_HASHING_BUSY: {
    status: 503,
    title: 'Too many passwords are being checked',
    help: 'Checking a password is slow on purpose and as many as the machine bears are under way. Try again after `Retry-After`.',
  },
  AUTH_REFRESH_INVALID: {
    status: 401,
    title: 'The refresh token is not valid',
    help: 'It is malformed, or of a session that has ended. Log in again.',
  },
  AUTH_REFRESH_EXPIRED: {
    status: 401,
    title: 'The session has expired',
    help: 'The session was not used for too long, or has reached its greatest age. Log in again.',
  },
  AUTH_REFRESH_REUSED: {
    status: 401,
    title: 'The refresh token has been used before',
    help: 'A refresh token can be used once. A second use means that somebody else may hold it, so the session has ended. Log in again, and change the password if you did not do this yourself.',
  },
  AUTH_USERNAME_TAKEN: {
    status: 409,
    title: 'The username is taken',
    help: 'Usernames are unique without regard to case. Choose another.',
  },
  AUTH_EMAIL_TAKEN: {
    status: 409,
    title: 'The email is taken',
    help: 'Emails are unique without regard to case. Choose another, or log in with this one.',
  },
  AUTH_PASSWORD_COMMON: {
    status: 400,
    title: 'The password is too common',
    help: 'It is on the list of passwords that attackers try first. Choose another; length helps more than symbols.',
  },
  AUTH_LAST_ADMIN: {
    status: 409,
    title: 'This is the last active admin',
    help: 'Somebody has to be able to administer. Make another active user an admin first.',
  },
  AUTH_ROLE_TAKEN: {
    status: 409,
    title: 'There is a role of this name already',
    help: 'Choose another name.',
  },
  AUTH_ROLE_BUILT_IN: {
    status: 409,
    title: 'The role is built in',
    help: '`admin`, `moderator` and `user` cannot be deleted.',
  },
  AUTH_ROLE_HELD: {
    status: 409,
    title: 'The role is held by a user',
    help: 'Take the role away from every user before it is deleted.',
  },
  AUTH_CLIENT_TAKEN: {
    status: 409,
    title: 'There is a client of this id already',
    help: 'Choose another `client_id`, or leave it out to be given one.',
  },
  AUTH_VERIFIERS_FULL: {
    status: 429,
    title: 'The client has as many verifiers as it may',
    help: 'A further one joins when others have left or fallen silent: go on asking. Give each service a client of its own.',
  },
} as const satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof PROBLEMS
