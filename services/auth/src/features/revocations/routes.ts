import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { FeedQuerySchema, FeedSchema, ref, type FeedQuery } from '@portcullis/schemas'
import { clientProblems, problem } from '@portcullis/service-kit'
import { MAX_VERIFIERS_OF_CLIENT } from '../../revocation/verifiers/admit.ts'
import { positionOf, type FeedAck } from '../../revocation/feed.ts'

export const revocationsRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/revocations',
    {
      onRequest: app.requireScope('revocations:read'),
      config: { rateLimit: false },
      schema: {
        operationId: 'listRevocations',
        summary: 'Follow the revocation log',
        description:
          'For verifiers that have no Redis. Answers at once if there is something new, else within half a ' +
          'second. With `verifier` the question is also an ack: it enters the table of verifiers whom every ' +
          'revocation waits for, tells by `position` what it has applied, and its `mark` comes back, from whose ' +
          'sending the age of what it knows is counted. A client has at most ' +
          `${MAX_VERIFIERS_OF_CLIENT} verifiers; a further one is answered with 429, and does not join.`,
        tags: ['services'],
        security: [{ clientCredentials: ['revocations:read'] }],
        querystring: FeedQuerySchema,
        response: { 200: ref(FeedSchema), ...clientProblems('AUTH_VERIFIERS_FULL') },
      },
    },
    async (request, reply) => {
      const { after, mark } = request.query
      reply.header('cache-control', 'no-store')
      return app.revocationFeed.answer(
        positionOf(after),
        mark,
        ackOf(request.client.client_id, request.query),
      )
    },
  )
}

/** @throws {ProblemError} REQUEST_INVALID if the verifier does not say all that an ack says. */
function ackOf(clientId: string, query: FeedQuery): FeedAck | undefined {
  const { verifier, mark, position, state, max_age } = query
  if (verifier === undefined) return undefined
  const missing = Object.entries({ mark, position, state, max_age }).filter(
    ([, value]) => value === undefined,
  )
  if (position !== undefined && state !== undefined && max_age !== undefined && mark !== undefined)
    return {
      clientId,
      name: `${clientId}/${verifier}`,
      state,
      maxAge: max_age,
      position: positionOf(position),
    }
  throw problem('REQUEST_INVALID', {
    errors: missing.map(([parameter]) => ({
      parameter,
      code: 'required',
      detail: 'is required of a verifier',
    })),
  })
}
