import { Type, type Static } from 'typebox'
import { EXAMPLE } from './examples.ts'

/** Error answer of the routes under /oauth (RFC 6749 section 5.2). */
export const OAuthErrorSchema = Type.Object(
  {
    error: Type.String({ examples: ['invalid_client'] }),
    error_description: Type.Optional(Type.String({ description: 'For developers to read' })),
  },
  {
    $id: 'OAuthError',
    description: 'An error of the routes under /oauth (RFC 6749 section 5.2)',
    examples: [
      { error: 'invalid_client', error_description: 'The client is not known, or its secret is wrong' },
    ],
  },
)
export type OAuthErrorBody = Static<typeof OAuthErrorSchema>

/** How a client names itself in a form, if it does not do so by HTTP Basic (RFC 6749 section 2.3.1). */
export const ClientCredentialsSchema = Type.Object({
  client_id: Type.Optional(Type.String()),
  client_secret: Type.Optional(Type.String()),
})

/** A form under /oauth: what is not known is ignored, and whatever comes twice fits no string. */
export const TokenRequestSchema = Type.Object(
  {
    grant_type: Type.String({ description: '`client_credentials` or `refresh_token`' }),
    scope: Type.Optional(Type.String({ description: 'Separated by spaces; all of the client’s without' })),
    refresh_token: Type.Optional(Type.String()),
    ...ClientCredentialsSchema.properties,
  },
  {
    $id: 'TokenRequest',
    description: 'Form of the token endpoint',
    examples: [{ grant_type: 'client_credentials', scope: 'revocations:read' }],
    additionalProperties: Type.String(),
  },
)
export type TokenRequest = Static<typeof TokenRequestSchema>

/** Answer of the token endpoint (RFC 6749 section 5.1). A client's token has no refresh token. */
export const TokenAnswerSchema = Type.Object(
  {
    access_token: Type.String({ description: 'JWT, RFC 9068' }),
    token_type: Type.Literal('Bearer'),
    expires_in: Type.Integer({ description: 'Life of the access token, in seconds' }),
    scope: Type.Optional(Type.String()),
    refresh_token: Type.Optional(Type.String()),
    refresh_expires_in: Type.Optional(Type.Integer({ description: 'Life of the refresh token, in seconds' })),
  },
  {
    $id: 'TokenAnswer',
    description: 'The tokens',
    examples: [
      { access_token: EXAMPLE.accessToken, token_type: 'Bearer', expires_in: 900, scope: 'revocations:read' },
    ],
  },
)
export type TokenAnswer = Static<typeof TokenAnswerSchema>
