import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import {
  IntrospectionSchema,
  isUserClaims,
  LOGIN_CLIENT_ID,
  ref,
  TokenFormSchema,
  type AccessClaims,
  type Introspection,
} from '@portcullis/schemas'
import { findSessionState } from '../../sessions/queries.ts'
import { decideRotation } from '../../sessions/decide-rotation.ts'
import type { SignedRefresh } from '../../tokens/refresh.ts'
import { findUserById } from '../../users/queries.ts'
import { authenticateClient, countedByClient } from './client-authentication.ts'
import { OAuthError } from './errors.ts'
import { inspect } from './inspect.ts'
import { oauthProblems } from './responses.ts'

const SCOPE = 'tokens:introspect'
const INACTIVE: Introspection = { active: false }

export const introspectionRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/introspect',
    {
      config: countedByClient(app),
      schema: {
        operationId: 'introspectToken',
        summary: 'Introspection endpoint',
        description:
          'RFC 7662: whether a token is good at this moment, and what it says. Takes access tokens of users and ' +
          `clients, and refresh tokens. The client needs the scope \`${SCOPE}\`.`,
        tags: ['oauth'],
        security: [{ client: [] }],
        consumes: ['application/x-www-form-urlencoded'],
        body: ref(TokenFormSchema),
        response: {
          200: ref(IntrospectionSchema),
          ...oauthProblems({
            400: '`invalid_request`',
            401: '`invalid_client`',
            403: `\`insufficient_scope\`: the client does not have \`${SCOPE}\``,
          }),
        },
      },
    },
    async (request): Promise<Introspection> => {
      const client = await authenticateClient(app, request)
      if (!client.scopes.includes(SCOPE))
        throw new OAuthError('insufficient_scope', `The client does not have the scope ${SCOPE}`)
      const token = await inspect(app, request.body.token, { ended: false })
      if (!token) return INACTIVE
      return token.type === 'access' ? describeAccess(token.claims) : describeRefresh(app, token)
    },
  )
}

function describeAccess(claims: AccessClaims): Introspection {
  const { iss, aud, sub, exp, iat, jti, client_id } = claims
  const common = { active: true, token_type: 'Bearer', client_id, sub, iss, aud, exp, iat, jti } as const
  if (!isUserClaims(claims)) return { ...common, scope: claims.scope }
  const { username, roles, sid } = claims
  return { ...common, username, roles, sid }
}

/** A refresh token is good if it would be exchanged now. */
async function describeRefresh(
  app: FastifyInstance,
  { claims: { aud, sub, sid, gen, exp, iat }, kid }: SignedRefresh,
): Promise<Introspection> {
  const [user, session] = await Promise.all([
    findUserById(app.db, sub),
    findSessionState(app.db, { id: sid, userId: sub, kid }),
  ])
  const decision = decideRotation(session, gen, app.now(), app.replaySeconds)
  if (user?.status !== 'active' || (decision !== 'rotated' && decision !== 'replayed')) return INACTIVE
  const { username, roles } = user
  return { active: true, client_id: LOGIN_CLIENT_ID, sub, iss: aud, aud, exp, iat, username, roles, sid }
}
