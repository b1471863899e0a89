import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { RevokedSchema, ref } from '@portcullis/schemas'
import { problem, problemResponses, userProblems } from '@portcullis/service-kit'
import { bySelf } from '../../users/lock-user.ts'
import { logoutUser } from '../../users/logout.ts'
import { logout } from './logout.ts'

export const logoutRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/logout',
    {
      onRequest: app.authenticate,
      config: { revocation: 'ended' },
      schema: {
        operationId: 'logout',
        summary: 'Log out',
        description:
          'Ends the session. When this answers 200, every verifier refuses its tokens; 202 means that it is ' +
          'decided, and that not every verifier has said so yet. Repeating it is harmless: it takes any unexpired ' +
          'token of the session, also one that is superseded or revoked.',
        tags: ['sessions'],
        security: [{ bearer: [] }],
        response: {
          200: ref(RevokedSchema),
          202: ref(RevokedSchema),
          ...problemResponses(
            'AUTH_TOKEN_MISSING',
            'AUTH_TOKEN_INVALID',
            'AUTH_CLIENT_TOKEN',
            'AUTH_REVOCATIONS_STALE',
          ),
        },
      },
    },
    async (request, reply) => {
      await logout(app, reply, request.user)
      return reply.send({ revoked: 1 })
    },
  )

  app.post(
    '/logout_all',
    {
      onRequest: app.authenticate,
      schema: {
        operationId: 'logoutAll',
        summary: 'Log out on every device',
        description: 'Ends every session of the user, the one of this request too.',
        tags: ['sessions'],
        security: [{ bearer: [] }],
        response: {
          200: ref(RevokedSchema),
          202: ref(RevokedSchema),
          ...userProblems(),
        },
      },
    },
    async (request, reply) => {
      const done = await logoutUser(app, bySelf(request.user), request.user.sub)
      if (done.outcome !== 'logged_out') throw problem(done.outcome)
      await app.barrier.settle(reply, done.receipt)
      return reply.send({ revoked: done.revoked })
    },
  )
}
