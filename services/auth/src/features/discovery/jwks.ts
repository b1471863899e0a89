import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { JwksSchema, ref } from '@portcullis/schemas'
import {
  ReadPreconditionSchema,
  isNotModified,
  NotModifiedSchema,
  notModified,
  problemResponses,
} from '@portcullis/service-kit'

/** `max-age` must stay below `STANDBY_SECONDS`: a key is published for longer than the set is cached before it signs. */
const CACHE_CONTROL = 'public, max-age=300, stale-while-revalidate=60, stale-if-error=3600'

export const jwksRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/.well-known/jwks.json',
    {
      config: { rateLimit: false },
      schema: {
        operationId: 'getJwks',
        summary: 'Public keys of the tokens',
        description:
          'JWK Set (RFC 7517) of every key whose tokens may be good, and of the one that signs next.',
        tags: ['discovery'],
        headers: ReadPreconditionSchema,
        response: {
          200: ref(JwksSchema),
          304: NotModifiedSchema,
          ...problemResponses('PRECONDITION_FAILED'),
        },
      },
    },
    async (request, reply) => {
      const { jwks, jwksEtag } = app.keyring
      reply.header('cache-control', CACHE_CONTROL)
      if (isNotModified(request, reply, jwksEtag)) return notModified(reply)
      return jwks
    },
  )
}
