import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ListedUserSchema, ListUsersQuerySchema, pageOf, ref, type ListedUser } from '@portcullis/schemas'
import { userProblems } from '@portcullis/service-kit'
import { readPage } from '../../lists/page.ts'
import { ADMIN_ROLE } from '../../users/last-admin.ts'
import { toUser, type ShownUser } from '../../users/queries.ts'
import { listUsers } from './queries.ts'

export const userListRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/users',
    {
      onRequest: app.authenticate,
      schema: {
        operationId: 'listUsers',
        summary: 'List users, newest first',
        description: 'Admins see email, roles and status too.',
        tags: ['users'],
        security: [{ bearer: [] }],
        querystring: ListUsersQuerySchema,
        response: { 200: pageOf(ref(ListedUserSchema)), ...userProblems() },
      },
    },
    async (request) => {
      const prefix = request.query.username?.toLowerCase()
      const show = request.user.roles.includes(ADMIN_ROLE) ? forAdmins : forUsers
      const { rows, next_cursor } = await readPage(
        app.cursors,
        `users ${prefix ?? ''}`,
        request.query,
        (page) => listUsers(app.db, prefix, page),
      )
      return { items: rows.map(show), next_cursor }
    },
  )
}

function forUsers({ id, username, created_at }: ShownUser): ListedUser {
  return { id, username, created_at: created_at.toISOString() }
}

function forAdmins(row: ShownUser): ListedUser {
  const { id, username, created_at, email, roles, status } = toUser(row)
  return { id, username, created_at, email, roles, status }
}
