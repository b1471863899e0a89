import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { LoginBodySchema, TokenPairSchema, ref } from '@portcullis/schemas'
import { problem, problemResponses } from '@portcullis/service-kit'
import { deviceOf, openSession } from '../../sessions/open.ts'
import { findCredentialsByLogin, updatePasswordHash } from '../../users/queries.ts'

export const loginRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/login',
    {
      schema: {
        operationId: 'login',
        summary: 'Log in',
        description: 'Opens a session and answers with its token pair. The username may be the email.',
        tags: ['sessions'],
        body: ref(LoginBodySchema),
        response: {
          200: ref(TokenPairSchema),
          ...problemResponses(
            'REQUEST_INVALID',
            'AUTH_CREDENTIALS_WRONG',
            'AUTH_LOGIN_THROTTLED',
            'AUTH_HASHING_BUSY',
          ),
        },
      },
    },
    async (request, reply) => {
      const { username, password } = request.body
      const user = await findCredentialsByLogin(app.db, username)
      const matches = await app.passwords.verify(user?.password_hash, password)
      if (!user || !matches) throw problem('AUTH_CREDENTIALS_WRONG')

      const opened = await openSession(app, user.id, user.password_hash, deviceOf(request))
      // A disabled user is told no more than a wrong password tells.
      if (opened.outcome !== 'opened') throw problem('AUTH_CREDENTIALS_WRONG')
      if (app.passwords.needsRehash(user.password_hash))
        await updatePasswordHash(app.db, user.id, user.password_hash, await app.passwords.hash(password))
      reply.header('cache-control', 'no-store')
      return opened.pair
    },
  )
}
