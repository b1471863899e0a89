import { Type } from 'typebox'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  IdParamsSchema,
  IdSchema,
  ListQuerySchema,
  PostPageSchema,
  PostSchema,
  ref,
} from '@portcullis/schemas'
import {
  PAGE_SIZE,
  ReadPreconditionSchema,
  NotModifiedSchema,
  problem,
  problemResponses,
  readPage,
} from '@portcullis/service-kit'
import { findPostById, listPosts, toPost } from './queries.ts'
import { ready, sendReady, topics, type Place } from './ready.ts'
import { tagOf } from './version.ts'

const ListPostsQuerySchema = Type.Object(
  {
    ...ListQuerySchema.properties,
    author: Type.Optional(Type.String({ ...IdSchema, description: 'Only posts of this user' })),
  },
  { additionalProperties: false },
)

/** What anyone may read. Answers come out of the cache as the strings that are sent. */
export const readPostRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/posts',
    {
      schema: {
        operationId: 'listPosts',
        summary: 'List posts, newest first',
        description: 'For anyone, without a token.',
        tags: ['posts'],
        querystring: ListPostsQuerySchema,
        headers: ReadPreconditionSchema,
        response: {
          200: ref(PostPageSchema),
          304: NotModifiedSchema,
          ...problemResponses('PRECONDITION_FAILED'),
        },
      },
    },
    async (request, reply) => {
      const { cursor, limit = PAGE_SIZE } = request.query
      const author = request.query.author?.toLowerCase()
      const list = topics.list(author)
      // A cursor that nobody was given is refused before it is a part of a key.
      const before = cursor === undefined ? undefined : app.cursors.decode(list, cursor)
      const place: Place = { topics: [list, topics.authors], key: `${list} ${before} ${limit}` }
      const answer = await app.cache.get(place.topics, place.key, async () => {
        const { rows, next_cursor } = await readPage(app.cursors, list, { cursor, limit }, (page) =>
          listPosts(app.db, { author, ...page }),
        )
        return ready({ items: rows.map(toPost), next_cursor })
      })
      return sendReady(request, reply, answer, place)
    },
  )

  app.get(
    '/posts/:id',
    {
      schema: {
        operationId: 'getPost',
        summary: 'Read a post',
        description: 'For anyone, without a token.',
        tags: ['posts'],
        params: IdParamsSchema,
        headers: ReadPreconditionSchema,
        response: {
          200: ref(PostSchema),
          304: NotModifiedSchema,
          ...problemResponses('NOT_FOUND', 'PRECONDITION_FAILED'),
        },
      },
    },
    async (request, reply) => {
      const topic = topics.post(request.params.id.toLowerCase())
      const place: Place = { topics: [topic, topics.authors], key: topic }
      const answer = await app.cache.get(place.topics, place.key, async () => {
        const row = await findPostById.first(app.db, { id: request.params.id })
        return row && ready(toPost(row), tagOf(row))
      })
      if (answer === undefined) throw problem('NOT_FOUND')
      return sendReady(request, reply, answer, place)
    },
  )
}
