import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ListUsersQuerySchema, UserPageSchema, ref, type ListedUser } from '@portcullis/schemas'
import { PAGE_SIZE, userProblems, readPage } from '@portcullis/service-kit'
import { sendText, userTopics } from '../../users/cache.ts'
import { ADMIN_ROLE } from '../../users/admins.ts'
import { toUser, type ShownUser } from '../../users/queries.ts'
import { listUsers } from '../../users/list.ts'

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
        response: { 200: ref(UserPageSchema), ...userProblems() },
      },
    },
    async (request, reply) => {
      const { cursor, limit = PAGE_SIZE } = request.query
      const prefix = request.query.username?.toLowerCase()
      const isAdmin = request.user.roles.includes(ADMIN_ROLE)
      const read = async () => {
        const list = `users ${prefix ?? ''}`
        const page = await readPage(app.cursors, list, request.query, (ids) =>
          listUsers(app.db, { prefix }, ids),
        )
        const items = page.rows.map(isAdmin ? forAdmins : forUsers)
        return JSON.stringify({ items, next_cursor: page.next_cursor })
      }
      // Only the newest users are asked for often.
      if (prefix !== undefined || cursor !== undefined) return sendText(reply, await read())
      const key = `users ${isAdmin ? 'admins' : 'all'} ${limit}`
      return sendText(reply, await app.cache.get([userTopics.newest], key, read))
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
