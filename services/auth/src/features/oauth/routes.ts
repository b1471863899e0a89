import formbody from '@fastify/formbody'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { answerOAuthError } from './errors.ts'
import { parseForm } from './form.ts'
import { introspectionRoutes } from './introspection.ts'
import { revocationRoutes } from './revocation.ts'
import { tokenRoutes } from './token.ts'

const BODY_LIMIT_BYTES = 32 * 1024

/** The endpoints of OAuth 2.0: forms in, RFC 6749's answers and errors out, and nothing of it kept by a cache. */
export const oauthRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.removeAllContentTypeParsers()
  await app.register(formbody, { parser: parseForm, bodyLimit: BODY_LIMIT_BYTES })
  app.setErrorHandler(answerOAuthError)
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })
  await app.register(tokenRoutes)
  await app.register(introspectionRoutes)
  await app.register(revocationRoutes)
}
