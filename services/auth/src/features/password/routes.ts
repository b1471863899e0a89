import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ChangePasswordBodySchema, TokenPairSchema, ref } from '@portcullis/schemas'
import { problem, userProblems } from '@portcullis/service-kit'
import { refuseCommonPassword } from '../../passwords/common.ts'
import { deviceOf } from '../../sessions/device.ts'
import { changePassword } from './change.ts'

export const passwordRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.put(
    '/users/me/password',
    {
      onRequest: app.authenticate,
      schema: {
        operationId: 'changePassword',
        summary: 'Change the password',
        description:
          'Ends every session of the user, also the one of this request, and answers with the token pair of a new ' +
          'one. A wrong `current_password` is throttled as a failed login is, and counts for the user, whatever the ' +
          'username.',
        tags: ['users'],
        security: [{ bearer: [] }],
        body: ref(ChangePasswordBodySchema),
        response: {
          200: ref(TokenPairSchema),
          202: ref(TokenPairSchema),
          ...userProblems(
            'AUTH_PASSWORD_COMMON',
            'AUTH_PASSWORD_WRONG',
            'AUTH_LOGIN_THROTTLED',
            'AUTH_HASHING_BUSY',
          ),
        },
      },
    },
    async (request, reply) => {
      refuseCommonPassword(request.body.new_password, '/new_password')
      const change = await changePassword(app, request.user, request.body, deviceOf(request))
      if (change.outcome === 'AUTH_PASSWORD_WRONG')
        throw problem(change.outcome, {
          errors: [{ pointer: '/current_password', code: 'wrong', detail: 'is not the password' }],
        })
      if (change.outcome !== 'changed') throw problem(change.outcome)
      await app.barrier.settle(reply, change.receipt)
      reply.header('cache-control', 'no-store')
      return reply.send(change.pair)
    },
  )
}
