import { Type, type Static } from 'typebox'

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
  { $id: 'ServerMetadata' },
)
export type ServerMetadata = Static<typeof ServerMetadataSchema>
