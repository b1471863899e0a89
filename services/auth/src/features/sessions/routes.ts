import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdParamsSchema, ListQuerySchema, SessionPageSchema, SessionSchema, ref } from '@portcullis/schemas'
import { problem, readPage, userProblems } from '@portcullis/service-kit'
import { endOneSession } from '../../sessions/end.ts'
import { listSessionsOfUser, toSession } from '../../sessions/lists.ts'

const common = { tags: ['sessions'], security: [{ bearer: [] }] }

export const sessionRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.get(
    '/users/me/sessions',
    {
      schema: {
        ...common,
        operationId: 'listMySessions',
        summary: 'List the sessions of the user',
        description: 'The devices that are logged in, the one that logged in last first.',
        querystring: ListQuerySchema,
        response: { 200: ref(SessionPageSchema), ...userProblems() },
      },
    },
    async (request) => {
      const { sub, sid } = request.user
      const now = new Date(app.now())
      const { rows, next_cursor } = await readPage(app.cursors, `sessions ${sub}`, request.query, (page) =>
        listSessionsOfUser(app.db, sub, now, page),
      )
      return { items: rows.map((row) => toSession(row, sid)), next_cursor }
    },
  )

  app.delete(
    '/users/me/sessions/:id',
    {
      schema: {
        ...common,
        operationId: 'endMySession',
        summary: 'End one session of the user',
        description: 'Logs one device out, perhaps this one. Answers with the session as it was.',
        params: IdParamsSchema,
        response: {
          200: ref(SessionSchema),
          202: ref(SessionSchema),
          ...userProblems('NOT_FOUND'),
        },
      },
    },
    async (request, reply) => {
      const ended = await endOneSession(app, request.user.sub, request.params.id, 'ended_by_user')
      if (!ended) throw problem('NOT_FOUND')
      await app.barrier.settle(reply, ended.receipt)
      return reply.send(toSession(ended.session, request.user.sid))
    },
  )
}
