import { Type } from 'typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { IdParamsSchema, IdSchema, ListQuerySchema, PostSchema, pageOf, ref } from '@portcullis/schemas'
import {
  IfNoneMatchSchema,
  NotModifiedSchema,
  isFresh,
  notModified,
  problem,
  publicProblems,
} from '@portcullis/service-kit'
import { findPostById, listPosts, toPost } from './queries.ts'
import { tagOf } from './version.ts'

const ListPostsQuerySchema = Type.Object(
  { ...ListQuerySchema.properties, author: Type.Optional(IdSchema) },
  { additionalProperties: false },
)

/** What anyone may read. */
export const readPostRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/posts',
    {
      schema: {
        operationId: 'listPosts',
        summary: 'List posts, newest first',
        tags: ['posts'],
        querystring: ListPostsQuerySchema,
        response: { 200: pageOf(ref(PostSchema)), ...publicProblems() },
      },
    },
    async (request) => {
      const { author, cursor, limit = 20 } = request.query
      const list = `posts ${author ?? ''}`
      const before = cursor === undefined ? undefined : app.cursors.decode(list, cursor)
      const rows = await listPosts(app.db, { author, before, limit: limit + 1 })
      const last = rows.length > limit ? rows[limit - 1] : undefined
      return {
        items: rows.slice(0, limit).map(toPost),
        next_cursor: last === undefined ? null : app.cursors.encode(list, last.id),
      }
    },
  )

  app.get(
    '/posts/:id',
    {
      schema: {
        operationId: 'getPost',
        summary: 'Read a post',
        tags: ['posts'],
        params: IdParamsSchema,
        headers: IfNoneMatchSchema,
        response: { 200: ref(PostSchema), 304: NotModifiedSchema, ...publicProblems('NOT_FOUND') },
      },
    },
    async (request, reply) => {
      const row = await findPostById(app.db, request.params.id)
      if (row === undefined) throw problem('NOT_FOUND')
      reply.header('cache-control', 'no-cache')
      if (isFresh(request, reply, tagOf(row))) return notModified(reply)
      return toPost(row)
    },
  )
}
