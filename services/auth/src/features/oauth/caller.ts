import type { FastifyInstance, FastifyRequest } from 'fastify'
import { LOGIN_CLIENT_ID, type TokenForm } from '@portcullis/schemas'
import { authenticateClient, hasClientSecret } from './client-authentication.ts'
import { OAuthError } from './errors.ts'

/** On whose behalf a request about a token is made. */
export interface Caller {
  readonly client_id: string
  readonly scopes: readonly string[]
}

/**
 * The registered client that the request authenticates. Without a secret it comes from the public client of
 * logins, which can show none.
 *
 * @throws {OAuthError} invalid_client, invalid_request
 */
export async function callerOf(
  app: FastifyInstance,
  request: FastifyRequest,
  { client_id = LOGIN_CLIENT_ID }: Pick<TokenForm, 'client_id'>,
): Promise<Caller> {
  if (hasClientSecret(request)) return authenticateClient(app, request)
  if (client_id === LOGIN_CLIENT_ID) return { client_id, scopes: [] }
  throw new OAuthError('invalid_client', 'Authenticate by client_secret_basic or client_secret_post')
}
