import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { LoginBodySchema, TokenPairSchema, ref } from '@portcullis/schemas'
import { problemResponses } from '@portcullis/service-kit'
import { deviceOf } from '../../sessions/device.ts'
import { login } from './login.ts'

export const loginRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/login',
    {
      schema: {
        operationId: 'login',
        summary: 'Log in',
        description:
          'Opens a session and answers with its token pair. The username may be the email. After 10 failures with ' +
          'one account from one address, each further attempt has to wait: 1 s, and twice as long each time, up to ' +
          '15 minutes. After 20 from all addresses it is up to 5 s, but not where the account has been entered ' +
          'from in the last 30 days; from there up to 100 attempts may be under way at once as long as none has ' +
          'failed. Attempts that come too early are 429 with `Retry-After`.',
        tags: ['sessions'],
        body: ref(LoginBodySchema),
        response: {
          200: ref(TokenPairSchema),
          ...problemResponses('AUTH_CREDENTIALS_WRONG', 'AUTH_LOGIN_THROTTLED', 'AUTH_HASHING_BUSY'),
        },
      },
    },
    async (request, reply) => {
      const pair = await login(app, request.body, deviceOf(request))
      reply.header('cache-control', 'no-store')
      return pair
    },
  )
}
