import { METHODS } from 'node:http'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import { VerifiedSchema, ref, type Verified } from '@portcullis/schemas'
import { problem, problemResponses, withHeaders } from '@portcullis/service-kit'

/** What else the address holds belongs to the request that is asked about. */
const QuerySchema = Type.Object({
  role: Type.Optional(Type.String({ description: 'A role that the user has to have', examples: ['admin'] })),
})

const schema = {
  summary: 'Tell a gateway who is calling',
  description:
    'For gateways that ask before they pass a request on (forward-auth, auth_request, ext_authz): any method, and ' +
    'any path below, since some of them append that of the request. 200 with headers about the user, to be passed ' +
    'on in the place of any that the client sent; 401 for a bad token, 403 for a role that the user lacks and for ' +
    'the token of a client. Not counted by the limit of requests, and never to be kept by a cache.',
  tags: ['gateways'],
  security: [{ bearer: [] }],
  querystring: QuerySchema,
  response: {
    200: withHeaders(ref(VerifiedSchema), {
      'X-User-Id': 'As `id`',
      'X-User-Name': 'As `username`',
      'X-User-Roles': 'As `roles`, with commas between them',
      'X-Session-Id': 'As `session_id`',
    }),
    ...problemResponses(
      'AUTH_TOKEN_MISSING',
      'AUTH_TOKEN_INVALID',
      'AUTH_FORBIDDEN',
      'AUTH_CLIENT_TOKEN',
      'AUTH_REVOCATIONS_STALE',
    ),
  },
}

export const verifyRoutes: FastifyPluginAsyncTypebox = async (app) => {
  // The body belongs to somebody else: gateways send its headers along, and some of it, and it is never looked at.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    done(null)
  })
  app.addHook('onRequest', async (request) => {
    delete request.raw.headers['content-encoding']
  })

  // Some pass on the method, too, whatever it is: those of WebDAV, and QUERY.
  for (const method of METHODS)
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method)) app.addHttpMethod(method)

  // A preflight is asked about like any other request, and not answered here.
  const config: FastifyContextConfig = { rateLimit: false, cors: false }
  const options = { onRequest: app.authenticate, config }
  const hidden = { ...options, schema: { ...schema, hide: true } }
  const others = app.supportedMethods.filter((method) => method !== 'GET' && method !== 'HEAD')
  app.get('/verify', { ...options, schema: { ...schema, operationId: 'verify' } }, answer)
  app.route({ ...hidden, method: others, url: '/verify', handler: answer })
  app.all('/verify/*', hidden, answer)
}

async function answer(
  request: FastifyRequest<{ Querystring: Static<typeof QuerySchema> }>,
  reply: FastifyReply,
): Promise<Verified> {
  const { sub, username, roles, sid } = request.user
  const { role } = request.query
  if (role !== undefined && !roles.includes(role)) throw problem('AUTH_FORBIDDEN')
  reply.headers({
    'cache-control': 'no-store',
    'x-user-id': sub,
    'x-user-name': username,
    'x-user-roles': roles.join(','),
    'x-session-id': sid,
  })
  return { id: sub, username, roles: [...roles], session_id: sid }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** False keeps @fastify/cors away from the route. */
    cors?: false
  }
}
