import { parsePosition, type Position } from '@portcullis/schemas'
import { invalidToken, isRefusal, TokenError, type Refusal } from './errors.ts'

/**
 * The token of an `Authorization` header (RFC 6750 section 2.1).
 *
 * @throws TokenError AUTH_TOKEN_MISSING if there is none, AUTH_TOKEN_INVALID if it is no token.
 */
export function readBearer(authorization: string | undefined): string {
  if (authorization === undefined || !/^bearer( |$)/i.test(authorization))
    throw new TokenError('AUTH_TOKEN_MISSING', 'no bearer token')
  const token = authorization.slice('bearer '.length).trim()
  if (token === '' || token.includes(' ')) throw invalidToken('malformed authorization header')
  return token
}

/**
 * The position in an `If-Revocation-Position` header, if there is one. For `verify`, which refuses one that is malformed
 * when it has found the token to be good.
 */
export function readPositionHeader(value: string | string[] | undefined): Position | 'malformed' | undefined {
  if (value === undefined) return undefined
  return (typeof value === 'string' ? parsePosition(value) : undefined) ?? 'malformed'
}

/**
 * The same refusal with the `WWW-Authenticate` of RFC 6750 section 3.
 *
 * @param realm quotation marks and backslashes, which would end its quotes, are left out
 * @throws what is no refusal, as it is: a fault of the server says nothing about a token. Always an Error, since a
 * middleware that hands on nothing lets in.
 */
export function withChallenge(error: unknown, realm: string, scopes: readonly string[] = []): Refusal {
  if (!isRefusal(error)) throw error instanceof Error ? error : noError(error)
  if (!(error instanceof TokenError)) return error
  const value = challenge(error.code, realm.replaceAll(/["\\]/g, ''), scopes)
  if (value === undefined) return error
  return new TokenError(error.code, error.reason, { 'WWW-Authenticate': value })
}

function noError(thrown: unknown): Error {
  return new Error('what was thrown is no error', { cause: thrown })
}

function challenge(code: TokenError['code'], realm: string, scopes: readonly string[]): string | undefined {
  switch (code) {
    case 'AUTH_TOKEN_MISSING':
      return `Bearer realm="${realm}"`
    case 'AUTH_TOKEN_INVALID':
      return `Bearer realm="${realm}", error="invalid_token"`
    case 'AUTH_SCOPE_INSUFFICIENT':
      return `Bearer realm="${realm}", error="insufficient_scope"${scopeOf(scopes)}`
    case 'AUTH_CLIENT_TOKEN':
    case 'AUTH_FORBIDDEN':
      return undefined
    default:
      return code satisfies never
  }
}

/** Its value has at least one character (RFC 6750 section 3). */
function scopeOf(scopes: readonly string[]): string {
  return scopes.length === 0 ? '' : `, scope="${scopes.join(' ')}"`
}
