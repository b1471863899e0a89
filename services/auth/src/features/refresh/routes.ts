import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { RefreshBodySchema, TokenPairSchema, ref } from '@portcullis/schemas'
import { problem, problemResponses } from '@portcullis/service-kit'
import { deviceOf } from '../../sessions/device.ts'
import { noteReuse } from './note-reuse.ts'
import { refreshSession } from './refresh.ts'

export const refreshRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/refresh',
    {
      schema: {
        operationId: 'refresh',
        summary: 'Exchange a refresh token for the next pair',
        description:
          'The refresh token comes in the body, else as `Authorization: Bearer`. It can be used once; a second ' +
          'use within a few seconds answers with the same successor, a later one ends the session.',
        tags: ['sessions'],
        body: Type.Union([ref(RefreshBodySchema), Type.Null()]),
        response: {
          200: ref(TokenPairSchema),
          ...problemResponses('AUTH_REFRESH_INVALID', 'AUTH_REFRESH_EXPIRED', 'AUTH_REFRESH_REUSED'),
        },
      },
    },
    async (request, reply) => {
      const token = request.body?.refresh_token ?? bearerOf(request)
      if (token === undefined)
        throw problem('REQUEST_INVALID', {
          errors: [{ pointer: '/refresh_token', code: 'required', detail: 'is required' }],
        })
      const refreshed = await refreshSession(app, token, deviceOf(request))
      if (refreshed.outcome !== 'refreshed') {
        noteReuse(request, refreshed)
        throw problem(refreshed.outcome)
      }
      reply.header('cache-control', 'no-store')
      return refreshed.pair
    },
  )
}

function bearerOf(request: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
}
