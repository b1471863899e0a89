import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { UpdatedMeSchema, UpdateMeBodySchema, UserSchema, ref } from '@portcullis/schemas'
import { problem, userProblems } from '@portcullis/service-kit'
import { deviceOf } from '../../sessions/device.ts'
import { readUser, sendText } from '../../users/cache.ts'
import { toUser } from '../../users/queries.ts'
import { deleteMe } from './delete.ts'
import { updateMe } from './update.ts'

const common = { tags: ['users'], security: [{ bearer: [] }] }

export const meRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.get(
    '/users/me',
    {
      schema: {
        ...common,
        operationId: 'getMe',
        summary: 'The user whose token this is',
        description: 'With everything that the user may know and change.',
        response: { 200: ref(UserSchema), ...userProblems() },
      },
    },
    async (request, reply) => {
      const user = await readUser(app, request.user.sub)
      // Deleted between the check of the token and this read.
      if (user === undefined) throw problem('AUTH_TOKEN_INVALID')
      return sendText(reply, user)
    },
  )

  app.patch(
    '/users/me',
    {
      schema: {
        ...common,
        operationId: 'updateMe',
        summary: 'Change the profile',
        description:
          'Answers with the changed user and a new token pair of this session. The access token of the request ' +
          'dies. Its refresh token gives the new pair once more if the answer is lost, until the new one is used.',
        body: ref(UpdateMeBodySchema),
        response: {
          200: ref(UpdatedMeSchema),
          202: ref(UpdatedMeSchema),
          ...userProblems('AUTH_USERNAME_TAKEN', 'AUTH_EMAIL_TAKEN'),
        },
      },
    },
    async (request, reply) => {
      const done = await updateMe(app, request.user, request.body, deviceOf(request))
      if (!done) throw problem('AUTH_TOKEN_INVALID')
      await app.barrier.settle(reply, done.receipt)
      reply.header('cache-control', 'no-store')
      return reply.send({ user: toUser(done.updated.user), ...done.updated.pair })
    },
  )

  app.delete(
    '/users/me',
    {
      schema: {
        ...common,
        operationId: 'deleteMe',
        summary: 'Delete the user',
        description:
          'Answers with the user as it was. Its sessions end, its tokens die, its posts and tasks go. The last ' +
          'active admin cannot be deleted.',
        response: {
          200: ref(UserSchema),
          202: ref(UserSchema),
          ...userProblems('AUTH_LAST_ADMIN'),
        },
      },
    },
    async (request, reply) => {
      const deleted = await deleteMe(app, request.user)
      if (deleted.outcome !== 'deleted') throw problem(deleted.outcome)
      await app.barrier.settle(reply, deleted.receipt)
      return reply.send(toUser(deleted.user))
    },
  )
}
