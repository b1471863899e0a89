import { Type, type Static } from 'typebox'
import { ClientCredentialsSchema } from './oauth.ts'
import { EXAMPLE } from './examples.ts'

/** Form of `POST /oauth/introspect` (RFC 7662 section 2.1) and `POST /oauth/revoke` (RFC 7009 section 2.1). */
export const TokenFormSchema = Type.Object(
  {
    token: Type.String({ description: 'An access token or a refresh token' }),
    token_type_hint: Type.Optional(Type.String({ description: 'Not needed: tokens tell their type' })),
    ...ClientCredentialsSchema.properties,
  },
  {
    $id: 'TokenForm',
    description: 'A token that something is asked or done about',
    examples: [{ token: EXAMPLE.accessToken }],
    additionalProperties: Type.String(),
  },
)
export type TokenForm = Static<typeof TokenFormSchema>

const Seconds = Type.Integer({ description: 'Seconds since 1970' })

/** Answer of `POST /oauth/introspect` (RFC 7662 section 2.2): of a token that is not good, `active` alone. */
export const IntrospectionSchema = Type.Object(
  {
    active: Type.Boolean(),
    token_type: Type.Optional(Type.Literal('Bearer', { description: 'Of access tokens' })),
    client_id: Type.Optional(Type.String()),
    sub: Type.Optional(Type.String()),
    iss: Type.Optional(Type.String()),
    aud: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
    exp: Type.Optional(Seconds),
    iat: Type.Optional(Seconds),
    jti: Type.Optional(Type.String()),
    scope: Type.Optional(Type.String({ description: 'Of a registered client' })),
    username: Type.Optional(Type.String()),
    roles: Type.Optional(Type.Array(Type.String())),
    sid: Type.Optional(Type.String({ description: 'The session of a user' })),
  },
  {
    $id: 'Introspection',
    description: 'What the token says; of a token that is not good, `active` alone',
    examples: [
      {
        active: true,
        token_type: 'Bearer',
        client_id: 'portcullis',
        sub: EXAMPLE.userId,
        iss: EXAMPLE.issuer,
        aud: 'portcullis',
        iat: 1_795_253_400,
        exp: 1_795_254_300,
        jti: '019a5c3f-2b11-7d20-a4c8-9f3e6b5d1a70',
        username: 'ada.lovelace',
        roles: ['user'],
        sid: EXAMPLE.sessionId,
      },
    ],
  },
)
export type Introspection = Static<typeof IntrospectionSchema>
