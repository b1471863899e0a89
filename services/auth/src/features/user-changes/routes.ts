import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { UserChangesQuerySchema, UserChangesSchema, ref } from '@portcullis/schemas'
import { clientProblems, problem } from '@portcullis/service-kit'
import { parseCursor } from './cursor.ts'
import { readUserChanges } from './read.ts'

export const userChangesRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/users/changes',
    {
      onRequest: app.requireScope('users:changes'),
      config: { rateLimit: false },
      schema: {
        operationId: 'listUserChanges',
        summary: 'Follow the users',
        description:
          'For services that keep something of users: first all of them as they are, then every signup, new ' +
          'username and deletion in the order of their commits, each at least once. Keep `next` together with ' +
          'what was made of the items. A cursor is good for a week; `CURSOR_EXPIRED` means to begin again.',
        tags: ['services'],
        security: [{ clientCredentials: ['users:changes'] }],
        querystring: UserChangesQuerySchema,
        response: { 200: ref(UserChangesSchema), ...clientProblems('CURSOR_EXPIRED') },
      },
    },
    async (request, reply) => {
      const { after = '', wait = 0, limit = 500 } = request.query
      const cursor = after === '' ? undefined : parseCursor(after)
      if (after !== '' && !cursor)
        throw problem('REQUEST_INVALID', {
          errors: [{ parameter: 'after', code: 'unknown', detail: 'is no `next` of this list' }],
        })
      const seen = app.news.userChanges.count
      let answer = await readUserChanges(app.db, cursor, limit)
      if (answer?.items.length === 0 && answer.snapshot === null && wait > 0) {
        await app.news.userChanges.after(seen, wait)
        answer = await readUserChanges(app.db, cursor, limit)
      }
      if (!answer) throw problem('CURSOR_EXPIRED')
      reply.header('cache-control', 'no-store')
      return answer
    },
  )
}
