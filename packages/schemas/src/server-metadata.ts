import { Type, type Static } from 'typebox'
import { EXAMPLE } from './examples.ts'

const Url = Type.String({ format: 'uri' })
const Names = Type.Array(Type.String())

/** What an OAuth client needs to know of this issuer (RFC 8414 section 2). */
export const ServerMetadataSchema = Type.Object(
  {
    issuer: Url,
    jwks_uri: Url,
    token_endpoint: Url,
    token_endpoint_auth_methods_supported: Names,
    grant_types_supported: Names,
    response_types_supported: Type.Array(Type.String(), {
      description: 'None: there is no authorization endpoint',
    }),
    introspection_endpoint: Url,
    introspection_endpoint_auth_methods_supported: Names,
    revocation_endpoint: Url,
    revocation_endpoint_auth_methods_supported: Names,
    service_documentation: Url,
  },
  {
    $id: 'ServerMetadata',
    description: 'What an OAuth client needs to know of this issuer (RFC 8414 section 2)',
    examples: [
      {
        issuer: EXAMPLE.issuer,
        jwks_uri: `${EXAMPLE.issuer}/.well-known/jwks.json`,
        token_endpoint: `${EXAMPLE.issuer}/oauth/token`,
        token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
        grant_types_supported: ['client_credentials', 'refresh_token'],
        response_types_supported: [],
        introspection_endpoint: `${EXAMPLE.issuer}/oauth/introspect`,
        introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
        revocation_endpoint: `${EXAMPLE.issuer}/oauth/revoke`,
        revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
        service_documentation: `${EXAMPLE.issuer}/docs`,
      },
    ],
  },
)
export type ServerMetadata = Static<typeof ServerMetadataSchema>
