import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  IdParamsSchema,
  ListQuerySchema,
  LoginPageSchema,
  RevokedSchema,
  UserSchema,
  UserStatusBodySchema,
  ref,
} from '@portcullis/schemas'
import { problem, userProblems, readPage } from '@portcullis/service-kit'
import { listLogins, toLoginAttempt } from '../../logins/queries.ts'
import { readUser, sendText } from '../../users/cache.ts'
import { changeStatus } from '../../users/change-status.ts'
import { byAdmin } from '../../users/lock-user.ts'
import { findUserById, toUser } from '../../users/queries.ts'
import { logoutUser } from '../../users/logout.ts'

const common = { tags: ['users'], security: [{ bearer: [] }], params: IdParamsSchema }
const problems = userProblems('AUTH_FORBIDDEN', 'NOT_FOUND')
const changeProblems = userProblems('AUTH_FORBIDDEN', 'NOT_FOUND', 'AUTH_LAST_ADMIN')

/** What admins see and do of users. For the scope of admins, which lets nobody else in. */
export const userAdminRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/users/:id',
    {
      schema: {
        ...common,
        operationId: 'getUser',
        summary: 'Read a user',
        description: 'As the user sees itself.',
        response: { 200: ref(UserSchema), ...problems },
      },
    },
    async (request, reply) => {
      const user = await readUser(app, request.params.id)
      if (user === undefined) throw problem('NOT_FOUND')
      return sendText(reply, user)
    },
  )

  app.get(
    '/users/:id/logins',
    {
      schema: {
        ...common,
        operationId: 'listLogins',
        summary: 'List the attempts to log in as a user, newest first',
        description: 'Each with where it came from and how it went.',
        querystring: ListQuerySchema,
        response: { 200: ref(LoginPageSchema), ...problems },
      },
    },
    async (request) => {
      const user = await findUserById(app.db, request.params.id)
      if (!user) throw problem('NOT_FOUND')
      const { rows, next_cursor } = await readPage(app.cursors, `logins ${user.id}`, request.query, (page) =>
        listLogins(app.db, user.id, page),
      )
      return { items: rows.map(toLoginAttempt), next_cursor }
    },
  )

  app.post(
    '/users/:id/logout_all',
    {
      schema: {
        ...common,
        operationId: 'logoutUser',
        summary: 'Log a user out on every device',
        description: 'Ends every session of the user, and kills every token.',
        response: { 200: ref(RevokedSchema), 202: ref(RevokedSchema), ...problems },
      },
    },
    async (request, reply) => {
      const done = await logoutUser(app, byAdmin(request.user), request.params.id)
      if (done.outcome !== 'logged_out') throw problem(done.outcome)
      await app.barrier.settle(reply, done.receipt)
      return reply.send({ revoked: done.revoked })
    },
  )

  app.put(
    '/users/:id/status',
    {
      schema: {
        ...common,
        operationId: 'changeUserStatus',
        summary: 'Disable a user, or enable it again',
        description:
          'To disable a user ends every session and kills every token. The last active admin stays active.',
        body: ref(UserStatusBodySchema),
        response: { 200: ref(UserSchema), 202: ref(UserSchema), ...changeProblems },
      },
    },
    async (request, reply) => {
      const changed = await changeStatus(app, byAdmin(request.user), request.params.id, request.body.status)
      if (changed.outcome !== 'changed') throw problem(changed.outcome)
      if (changed.receipt) await app.barrier.settle(reply, changed.receipt)
      return reply.send(toUser(changed.user))
    },
  )
}
