import type { IncomingMessage, ServerResponse } from 'node:http'
import { isUserClaims, type AccessClaims, type ClientClaims, type UserClaims } from '@portcullis/schemas'
import { requireRoles, requireScopes, requireUser } from './access.ts'
import { readBearer, readPositionHeader, withChallenge } from './bearer.ts'
import { verifierOf, type CreateVerifierOptions } from './create-verifier.ts'
import { isRefusal, RequestError } from './errors.ts'
import { quotable } from './options.ts'
import type { Verifier } from './verifier.ts'

/** Middleware as Express, Connect and everything after their model take it. */
export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

export type GuardOptions = (CreateVerifierOptions | { verifier: Verifier }) & {
  /** In `WWW-Authenticate`. Default `portcullis`. */
  realm?: string | undefined
}

/**
 * Middleware that lets in whoever shows a good access token, and hands a TokenError, StaleError or RequestError to
 * `next` for everybody else. These carry `statusCode`, `code` and `headers`: Express answers them rightly by itself, and
 * `refusals` answers them with a problem document. A fault of the server is handed on as it is.
 */
export interface Guard {
  readonly verifier: Verifier
  /** Lets any good token of a user in, as `request.user`. A client's token is refused with 403. */
  readonly authenticate: Middleware
  /** Lets any good token of a registered client in. */
  readonly authenticateClient: Middleware
  /** Lets users in that have one of the roles. */
  requireRole(...roles: [string, ...string[]]): Middleware
  /** Lets registered clients in that have all of the scopes. */
  requireScope(...scopes: [string, ...string[]]): Middleware
  /**
   * The same, answering up to `boundedStalenessSeconds` after the log has fallen silent.
   *
   * @throws TypeError if that option is not set.
   */
  readonly bounded: Omit<Guard, 'bounded' | 'verifier' | 'close'>
  /** Stops following the log. To be called when the last request has been answered. */
  close(): Promise<void>
}

/** Makes a guard, whose verifier begins to fetch keys and to follow the log at once; 503 until both are there. */
export function createGuard(options: GuardOptions): Guard {
  const verifier = verifierOf(options)
  const realm = quotable('realm', options.realm ?? 'portcullis')
  verifier.start()
  return {
    verifier,
    ...middlewares(verifier, realm, false),
    get bounded() {
      if (!verifier.allowsBounded) throw new TypeError('boundedStalenessSeconds is not set')
      return middlewares(verifier, realm, true)
    },
    close: () => verifier.close(),
  }
}

const admitted = new WeakMap<IncomingMessage, AccessClaims>()

/** Whose token it was, behind `authenticate` or `requireRole`. @throws TypeError anywhere else. */
export function userOf(request: IncomingMessage): UserClaims {
  const claims = admittedBy(request)
  if (!isUserClaims(claims)) throw new TypeError('the request has passed a guard for clients, not for users')
  return claims
}

/** Which client's token it was, behind `authenticateClient` or `requireScope`. @throws TypeError anywhere else. */
export function clientOf(request: IncomingMessage): ClientClaims {
  const claims = admittedBy(request)
  if (isUserClaims(claims)) throw new TypeError('the request has passed a guard for users, not for clients')
  return claims
}

function admittedBy(request: IncomingMessage): AccessClaims {
  const claims = admitted.get(request)
  if (!claims) throw new TypeError('the request has not passed a guard')
  return claims
}

/** Error handler: answers what a guard has refused with a problem document (RFC 9457), and passes on the rest. */
export function refusals(
  error: unknown,
  _request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
): void {
  if (!isRefusal(error) || response.headersSent) return next(error)
  const { statusCode: status, code, message: title, headers } = error
  const errors = error instanceof RequestError ? error.errors : undefined
  const type = { 'Content-Type': 'application/problem+json; charset=utf-8', 'Cache-Control': 'no-store' }
  response.writeHead(status, { ...headers, ...type })
  response.end(JSON.stringify({ title, status, code, errors }))
}

function middlewares(verifier: Verifier, realm: string, bounded: boolean): Guard['bounded'] {
  const guard = (check: (claims: AccessClaims) => unknown, scopes?: readonly string[]): Middleware => {
    const enter = async (request: IncomingMessage) => {
      try {
        const position = readPositionHeader(request.headers['if-revocation-position'])
        const claims = await verifier.verify(readBearer(request.headers.authorization), { bounded, position })
        check(claims)
        admitted.set(request, claims)
        if (isUserClaims(claims)) Reflect.set(request, 'user', claims)
      } catch (error) {
        throw withChallenge(error, realm, scopes)
      }
    }
    return (request, _response, next) => void tell(next, enter(request))
  }
  return {
    authenticate: guard(requireUser),
    authenticateClient: guard((claims) => requireScopes(claims, [])),
    requireRole: (...roles) => guard((claims) => requireRoles(requireUser(claims), roles)),
    requireScope: (...scopes) => guard((claims) => requireScopes(claims, scopes), scopes),
  }
}

/** Calls `next` when a request has been let in, or with the Error why not. */
async function tell(next: (error?: unknown) => void, entering: Promise<void>): Promise<void> {
  let failure: unknown
  try {
    await entering
  } catch (error) {
    failure = error
  }
  next(failure)
}
