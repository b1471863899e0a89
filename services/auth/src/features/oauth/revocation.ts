import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { ref, TokenFormSchema } from '@portcullis/schemas'
import { REVOCATION_HEADERS, withHeaders } from '@portcullis/service-kit'
import type { Receipt } from '../../database/transaction.ts'
import { findReceipt } from '../../revocation/receipt.ts'
import { logout } from '../logout/logout.ts'
import { callerOf } from './caller.ts'
import { countedByClient } from './client-authentication.ts'
import { OAuthError } from './errors.ts'
import { clientOf, inspect, type KnownToken } from './inspect.ts'
import { oauthProblems } from './responses.ts'

const SCOPE = 'tokens:revoke'

export const revocationRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/revoke',
    {
      config: countedByClient(app),
      schema: {
        operationId: 'revokeToken',
        summary: 'Revocation endpoint',
        description:
          'RFC 7009, at once: after a 200 no verifier accepts the token. A refresh token ends its session, with ' +
          'all of its tokens; an access token dies alone. Clients revoke their own tokens, those with the scope ' +
          `\`${SCOPE}\` any. The tokens of logins belong to the public client \`portcullis\`. Tokens that are ` +
          'not known, or have expired, are answered with 200 as well.',
        tags: ['oauth'],
        security: [{ client: [] }, {}],
        consumes: ['application/x-www-form-urlencoded'],
        body: ref(TokenFormSchema),
        response: {
          200: withHeaders(
            Type.Object({}, { description: 'No verifier accepts the token', examples: [{}] }),
            REVOCATION_HEADERS,
          ),
          ...oauthProblems({
            400: '`invalid_request`; `unauthorized_client`: the token was issued to another client',
            401: '`invalid_client`',
            503:
              '`temporarily_unavailable`: the token is revoked, but not every verifier has said yet that it knows, ' +
              'or it could not be revoked; repeat the request after `Retry-After`',
          }),
        },
      },
    },
    async (request, reply) => {
      const caller = await callerOf(app, request, request.body)
      const token = await inspect(app, request.body.token, { ended: true })
      if (!token) return {}
      if (clientOf(token) !== caller.client_id && !caller.scopes.includes(SCOPE))
        throw new OAuthError('unauthorized_client', 'The token was issued to another client')
      // A client that knows RFC 7009 takes 200 for done, 503 for "ask again", and nothing else.
      if ((await revoke(app, reply, token)) === 202)
        throw new OAuthError('temporarily_unavailable', 'Not every verifier has said that it knows')
      return {}
    },
  )
}

/** @returns the status that the barrier gives the answer */
async function revoke(app: FastifyInstance, reply: FastifyReply, token: KnownToken): Promise<200 | 202> {
  if (token.type === 'refresh') return logout(app, reply, token.claims, 'revoked')
  const receipt = await revokeAlone(app, token.claims.jti)
  return receipt ? app.barrier.settle(reply, receipt) : 200
}

async function revokeAlone(app: FastifyInstance, jti: string): Promise<Receipt | undefined> {
  const before = await findReceipt(app.db, 'token', jti)
  if (before) return before
  const { receipt } = await app.transact(async () => ({
    value: undefined,
    revoke: { kind: 'token', key: jti },
  }))
  return receipt
}
