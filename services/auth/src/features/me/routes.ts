import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { UserSchema, ref } from '@portcullis/schemas'
import { problem, problemResponses } from '@portcullis/service-kit'
import { findUserById, toUser } from '../../users/queries.ts'

export const meRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/users/me',
    {
      onRequest: app.authenticate,
      schema: {
        operationId: 'getMe',
        summary: 'The user whose token this is',
        tags: ['users'],
        security: [{ bearer: [] }],
        response: {
          200: ref(UserSchema),
          ...problemResponses(
            'AUTH_TOKEN_MISSING',
            'AUTH_TOKEN_INVALID',
            'AUTH_CLIENT_TOKEN',
            'AUTH_REVOCATIONS_STALE',
          ),
        },
      },
    },
    async (request) => {
      const user = await findUserById(app.db, request.user.sub)
      // Deleted between the check of the token and this query.
      if (!user) throw problem('AUTH_TOKEN_INVALID')
      return toUser(user)
    },
  )
}
