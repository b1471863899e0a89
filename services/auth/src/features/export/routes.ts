import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { UserExportSchema, ref } from '@portcullis/schemas'
import { problem, userProblems, withHeaders } from '@portcullis/service-kit'
import { findUserById, toUser } from '../../users/queries.ts'
import { exportUser } from './export.ts'

export const exportRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/users/me/export',
    {
      onRequest: app.authenticate,
      schema: {
        operationId: 'exportMe',
        summary: 'All that is kept about the user',
        description: 'The user, every session and every attempt to log in that is still kept.',
        tags: ['users'],
        security: [{ bearer: [] }],
        response: {
          200: withHeaders(Type.Unsafe<Readable>(ref(UserExportSchema)), {
            'Content-Disposition': 'The name of a file to keep it in',
          }),
          ...userProblems(),
        },
      },
    },
    async (request, reply) => {
      const user = await findUserById(app.db, request.user.sub)
      if (!user) throw problem('AUTH_TOKEN_INVALID')
      reply
        .type('application/json; charset=utf-8')
        .header('content-disposition', `attachment; filename="portcullis-${user.id}.json"`)
        .header('cache-control', 'no-store')
      // A stream passes by the serializer; what is written is typed by the same schemas.
      const pieces = exportUser(app.db, toUser(user), new Date(app.now()))
      return reply.send(Readable.from(pieces, { objectMode: false }))
    },
  )
}
