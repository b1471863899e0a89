import { Type, type Static } from 'typebox'
import { IdSchema, TimeSchema } from './common.ts'

/** The token pair (RFC 6749 section 5.1). The two tokens name each other by session and generation. */
export const TokenPairSchema = Type.Object(
  {
    access_token: Type.String({ description: 'JWT, RFC 9068' }),
    refresh_token: Type.String({ description: 'Single use; each refresh answers with its successor' }),
    token_type: Type.Literal('Bearer'),
    expires_in: Type.Integer({ description: 'Life of the access token, in seconds' }),
    refresh_expires_in: Type.Integer({ description: 'Life of the refresh token, in seconds' }),
  },
  { $id: 'TokenPair' },
)
export type TokenPair = Static<typeof TokenPairSchema>

export const LoginBodySchema = Type.Object(
  {
    username: Type.String({
      minLength: 1,
      maxLength: 254,
      format: 'text',
      description: 'The username or the email, without regard to case',
      examples: ['ada.lovelace'],
    }),
    password: Type.String({
      minLength: 1,
      maxLength: 256,
      format: 'text',
      examples: ['correct horse battery staple'],
    }),
  },
  { $id: 'LoginBody', additionalProperties: false },
)
export type LoginBody = Static<typeof LoginBodySchema>

export const RefreshBodySchema = Type.Object(
  { refresh_token: Type.Optional(Type.String({ minLength: 1, maxLength: 8192 })) },
  { $id: 'RefreshBody', additionalProperties: false },
)

export const RevokedSchema = Type.Object(
  { revoked: Type.Integer({ description: 'How many sessions ended' }) },
  { $id: 'Revoked' },
)

/** A session as its user sees it: on which device it is, and when it was used. */
export const SessionSchema = Type.Object(
  {
    id: IdSchema,
    created_at: TimeSchema,
    last_used_at: TimeSchema,
    expires_at: Type.String({ format: 'date-time', description: 'When it ends if it is not used again' }),
    ip: Type.Union([Type.String(), Type.Null()]),
    user_agent: Type.Union([Type.String(), Type.Null()]),
    current: Type.Boolean({ description: 'Whether the access token of this request belongs to it' }),
  },
  { $id: 'Session' },
)
export type Session = Static<typeof SessionSchema>
