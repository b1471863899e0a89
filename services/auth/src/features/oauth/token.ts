import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  LOGIN_CLIENT_ID,
  TokenAnswerSchema,
  TokenRequestSchema,
  ref,
  type TokenAnswer,
  type TokenPair,
  type TokenRequest,
} from '@portcullis/schemas'
import { issueClientToken } from '../../clients/token.ts'
import { deviceOf } from '../../sessions/device.ts'
import { noteReuse } from '../refresh/note-reuse.ts'
import { refreshSession } from '../refresh/refresh.ts'
import { callerOf } from './caller.ts'
import { authenticateClient, countedByClient } from './client-authentication.ts'
import { OAuthError } from './errors.ts'
import { oauthProblems } from './responses.ts'

export const tokenRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/token',
    {
      config: countedByClient(app),
      schema: {
        operationId: 'issueToken',
        summary: 'Token endpoint',
        description:
          'RFC 6749 section 3.2. `client_credentials` gives a registered client an access token with its scopes; ' +
          'the client authenticates by `client_secret_basic` or `client_secret_post`. `refresh_token` exchanges ' +
          'the refresh token of a login for the next pair; logins belong to the public client `portcullis`.',
        tags: ['oauth'],
        security: [{ client: [] }, {}],
        consumes: ['application/x-www-form-urlencoded'],
        body: ref(TokenRequestSchema),
        response: {
          200: ref(TokenAnswerSchema),
          ...oauthProblems({
            400: '`invalid_request`, `invalid_grant`, `invalid_scope`, `unsupported_grant_type`',
            401: '`invalid_client`',
          }),
        },
      },
    },
    async (request): Promise<TokenAnswer> => {
      const form = request.body
      switch (form.grant_type) {
        case 'client_credentials':
          return grantToClient(app, request, form)
        case 'refresh_token':
          return grantByRefresh(app, request, form)
        default:
          throw new OAuthError('unsupported_grant_type', 'Use client_credentials or refresh_token')
      }
    },
  )
}

async function grantToClient(
  app: FastifyInstance,
  request: FastifyRequest,
  form: TokenRequest,
): Promise<TokenAnswer> {
  const client = await authenticateClient(app, request)
  const scopes = form.scope === undefined ? client.scopes : [...new Set(form.scope.split(' '))]
  if (!scopes.every((scope) => client.scopes.includes(scope)))
    throw new OAuthError('invalid_scope', 'The client does not have every scope that it asks for')
  return issueClientToken(app, client, scopes)
}

/** Refresh tokens belong to the public client, which has no secret to show. */
async function grantByRefresh(
  app: FastifyInstance,
  request: FastifyRequest,
  form: TokenRequest,
): Promise<TokenPair> {
  if (form.refresh_token === undefined) throw new OAuthError('invalid_request', 'refresh_token is required')
  const caller = await callerOf(app, request, form)
  if (caller.client_id !== LOGIN_CLIENT_ID)
    throw new OAuthError('invalid_grant', 'The refresh token was issued to another client')
  if (form.scope !== undefined)
    throw new OAuthError('invalid_scope', 'The tokens of users have roles and no scopes')
  const refreshed = await refreshSession(app, form.refresh_token, deviceOf(request))
  if (refreshed.outcome === 'refreshed') return refreshed.pair
  noteReuse(request, refreshed)
  app.countProblem(refreshed.outcome)
  throw new OAuthError('invalid_grant', DESCRIPTIONS[refreshed.outcome])
}

const DESCRIPTIONS = {
  AUTH_REFRESH_INVALID: 'The refresh token is not valid',
  AUTH_REFRESH_EXPIRED: 'The session has expired',
  AUTH_REFRESH_REUSED: 'The refresh token has been used before, and the session has ended',
}
