import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ListQuerySchema, LoginPageSchema, ref } from '@portcullis/schemas'
import { userProblems, readPage } from '@portcullis/service-kit'
import { listLogins, toLoginAttempt } from '../../logins/queries.ts'

export const loginHistoryRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/users/me/logins',
    {
      onRequest: app.authenticate,
      schema: {
        operationId: 'listMyLogins',
        summary: 'List the attempts to log in as the user',
        description:
          'Newest first, each with where it came from and how it went. Attempts that were turned away without a ' +
          'look at the password are kept up to 100 an hour.',
        tags: ['sessions'],
        security: [{ bearer: [] }],
        querystring: ListQuerySchema,
        response: { 200: ref(LoginPageSchema), ...userProblems() },
      },
    },
    async (request) => {
      const { sub } = request.user
      const { rows, next_cursor } = await readPage(app.cursors, `logins ${sub}`, request.query, (page) =>
        listLogins(app.db, sub, page),
      )
      return { items: rows.map(toLoginAttempt), next_cursor }
    },
  )
}
