import { isUserClaims, type AccessClaims, type ClientClaims, type UserClaims } from '@portcullis/schemas'
import { TokenError } from './errors.ts'

/** @throws TokenError 403 AUTH_CLIENT_TOKEN for the token of a registered client. */
export function requireUser(claims: AccessClaims): UserClaims {
  if (!isUserClaims(claims)) throw new TokenError('AUTH_CLIENT_TOKEN', 'a client token on a user route')
  return claims
}

/** @throws TokenError 403 AUTH_SCOPE_INSUFFICIENT unless it is a client's token with all of the scopes. */
export function requireScopes(claims: AccessClaims, scopes: readonly string[]): ClientClaims {
  if (isUserClaims(claims)) throw new TokenError('AUTH_SCOPE_INSUFFICIENT', 'a user token on a client route')
  const held = new Set(claims.scope.split(' '))
  if (!scopes.every((scope) => held.has(scope)))
    throw new TokenError('AUTH_SCOPE_INSUFFICIENT', 'a scope is missing')
  return claims
}

/** @throws TokenError 403 AUTH_FORBIDDEN unless the user has one of the roles. */
export function requireRoles(claims: UserClaims, roles: readonly string[]): void {
  if (!roles.some((role) => claims.roles.includes(role)))
    throw new TokenError('AUTH_FORBIDDEN', 'a role is missing')
}
