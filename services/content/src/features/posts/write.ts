import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Kysely } from 'kysely'
import {
  CreatePostBodySchema,
  IdParamsSchema,
  PostSchema,
  UpdatePostBodySchema,
  ref,
  type UserClaims,
} from '@portcullis/schemas'
import {
  IDEMPOTENCY_PROBLEMS,
  IdempotencyKeySchema,
  WritePreconditionSchema,
  REPLAYED,
  VERSIONED_HEADERS,
  createOnce,
  writePreconditionOf,
  problem,
  userProblems,
  withHeaders,
  type Precondition,
  type ProblemError,
  isOutcomeUnknown,
} from '@portcullis/service-kit'
import type { DB } from '../../database/tables.ts'
import { deletePost, findPostById, postInserts, toPost, updatePost, type PostChange } from './queries.ts'
import { topics, topicsOf } from './ready.ts'
import { tagOf, versionsOf } from './version.ts'

/** Roles whose users may change and delete the posts of others. */
const MODERATING_ROLES = new Set(['moderator', 'admin'])

/** By then PostgreSQL has done what it was still at when the connection was lost, or given it up. */
const LATEST_MS = 1000

const createdPosts = Compile(Type.Object({ post: PostSchema, tag: Type.String() }))

/** Writing, for users. */
export const writePostRoutes: FastifyPluginAsyncTypebox = async (app) => {
  const inserts = postInserts(app.db)

  /**
   * If it is unknown whether a write took effect, cached posts may be stale: they are made void at once, and again when
   * PostgreSQL has certainly ended it.
   */
  const orForget = async <T>(write: Promise<T>): Promise<T> => {
    try {
      return await write
    } catch (error) {
      if (isOutcomeUnknown(error)) {
        await app.cache.raise(topics.authors)
        setTimeout(() => void app.cache.raise(topics.authors), LATEST_MS).unref()
      }
      throw error
    }
  }

  app.post(
    '/posts',
    {
      schema: {
        operationId: 'createPost',
        summary: 'Write a post',
        description:
          'Anyone can read it at once. With an `Idempotency-Key` it is written once, however often it is sent.',
        tags: ['posts'],
        security: [{ bearer: [] }],
        headers: IdempotencyKeySchema,
        body: ref(CreatePostBodySchema),
        response: {
          201: withHeaders(ref(PostSchema), VERSIONED_HEADERS),
          ...userProblems(...IDEMPOTENCY_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const { sub, username } = request.user
      const once = app.idempotency.of(request, sub)
      const write = createOnce(app.db, once, createdPosts, async (db) => {
        const row = await inserts.insert(db, { id: sub, username }, request.body)
        return { post: toPost(row), tag: tagOf(row) }
      })
      const { answer, isReplayed } = await orForget(write)
      const { post, tag } = answer
      // For a replay too: the first attempt may have committed without raising them.
      await app.cache.raise(...topicsOf({ id: post.id, author_id: sub }))
      return reply
        .code(201)
        .headers({ location: `${app.prefix}/posts/${post.id}`, etag: `"${tag}"` })
        .headers(isReplayed ? REPLAYED : {})
        .send(post)
    },
  )

  app.patch(
    '/posts/:id',
    {
      schema: {
        operationId: 'updatePost',
        summary: 'Change a post',
        description: 'For its author, moderators and admins.',
        tags: ['posts'],
        security: [{ bearer: [] }],
        params: IdParamsSchema,
        headers: WritePreconditionSchema,
        body: ref(UpdatePostBodySchema),
        response: {
          200: ref(PostSchema),
          ...userProblems('NOT_FOUND', 'AUTH_FORBIDDEN', 'PRECONDITION_FAILED'),
        },
      },
    },
    async (request, reply) => {
      const change = changeBy(request.user, request.params.id, writePreconditionOf(request))
      const row = await orForget(updatePost(app.db, change, request.body))
      if (row === undefined) throw await refusal(app.db, change)
      await app.cache.raise(...topicsOf(row))
      return reply.header('etag', `"${tagOf(row)}"`).send(toPost(row))
    },
  )

  app.delete(
    '/posts/:id',
    {
      schema: {
        operationId: 'deletePost',
        summary: 'Delete a post',
        description: 'For its author, moderators and admins. Answers with what was deleted.',
        tags: ['posts'],
        security: [{ bearer: [] }],
        params: IdParamsSchema,
        headers: WritePreconditionSchema,
        response: {
          200: ref(PostSchema),
          ...userProblems('NOT_FOUND', 'AUTH_FORBIDDEN', 'PRECONDITION_FAILED'),
        },
      },
    },
    async (request) => {
      const change = changeBy(request.user, request.params.id, writePreconditionOf(request))
      const row = await orForget(deletePost(app.db, change))
      if (row === undefined) throw await refusal(app.db, change)
      await app.cache.raise(...topicsOf(row))
      return toPost(row)
    },
  )
}

function changeBy(user: UserClaims, id: string, { only, except }: Precondition): PostChange {
  const mayAll = user.roles.some((role) => MODERATING_ROLES.has(role))
  const authorId = mayAll ? undefined : user.sub
  return { id, authorId, versions: only && versionsOf(only), except: versionsOf(except) }
}

/** Why a change has found nothing to change. */
async function refusal(db: Kysely<DB>, { id, authorId }: PostChange): Promise<ProblemError> {
  const row = await findPostById.first(db, { id })
  if (row === undefined) return problem('NOT_FOUND')
  if (authorId !== undefined && row.author_id !== authorId) return problem('AUTH_FORBIDDEN')
  return problem('PRECONDITION_FAILED', { headers: { etag: `"${tagOf(row)}"` } })
}
