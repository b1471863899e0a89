import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ref, ServerMetadataSchema, type ServerMetadata } from '@portcullis/schemas'

const CACHE_CONTROL = 'public, max-age=3600'
const SECRET_METHODS = ['client_secret_basic', 'client_secret_post']

/** Both addresses of the metadata; some clients look at one of them only. */
const PATHS = {
  '/.well-known/oauth-authorization-server': 'getServerMetadata',
  '/.well-known/openid-configuration': 'getOpenidConfiguration',
} as const

export const metadataRoutes: FastifyPluginAsyncTypebox<{ issuer: string }> = async (app, { issuer }) => {
  const metadata = metadataOf(issuer)
  for (const [path, operationId] of Object.entries(PATHS))
    app.get(
      path,
      {
        config: { rateLimit: false },
        schema: {
          operationId,
          summary: 'Metadata of the authorization server',
          description:
            'Where the endpoints are and what they take (RFC 8414). Users log in by `POST /api/v1/login`, so ' +
            'there is no authorization endpoint; neither is this an OpenID provider.',
          tags: ['discovery'],
          response: { 200: ref(ServerMetadataSchema) },
        },
      },
      async (_request, reply) => {
        reply.header('cache-control', CACHE_CONTROL)
        return metadata
      },
    )
}

/** @param issuer without a path */
function metadataOf(issuer: string): ServerMetadata {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    token_endpoint: `${issuer}/oauth/token`,
    // Without a secret comes the public client that logins carry, to refresh and to revoke its own tokens.
    token_endpoint_auth_methods_supported: [...SECRET_METHODS, 'none'],
    grant_types_supported: ['client_credentials', 'refresh_token'],
    response_types_supported: [],
    introspection_endpoint: `${issuer}/oauth/introspect`,
    introspection_endpoint_auth_methods_supported: SECRET_METHODS,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    revocation_endpoint_auth_methods_supported: [...SECRET_METHODS, 'none'],
    service_documentation: `${issuer}/docs`,
  }
}
