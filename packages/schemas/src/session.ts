import { Type, type Static } from 'typebox'
import { IdSchema, TimeSchema, pageOf } from './common.ts'
import { EXAMPLE, TOKEN_PAIR, KEPT_SESSION } from './examples.ts'

/** The token pair (RFC 6749 section 5.1). The two tokens name each other by session and generation. */
export const TokenPairSchema = Type.Object(
  {
    access_token: Type.String({ description: 'JWT, RFC 9068' }),
    refresh_token: Type.String({ description: 'Single use; each refresh answers with its successor' }),
    token_type: Type.Literal('Bearer'),
    expires_in: Type.Integer({ description: 'Life of the access token, in seconds' }),
    refresh_expires_in: Type.Integer({ description: 'Life of the refresh token, in seconds' }),
  },
  {
    $id: 'TokenPair',
    description: 'The two tokens of a session, which belong together',
    examples: [TOKEN_PAIR],
  },
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
  {
    $id: 'LoginBody',
    description: 'Who logs in',
    examples: [{ username: 'ada.lovelace', password: 'correct horse battery staple' }],
    additionalProperties: false,
  },
)
export type LoginBody = Static<typeof LoginBodySchema>

export const RefreshBodySchema = Type.Object(
  { refresh_token: Type.Optional(Type.String({ minLength: 1, maxLength: 8192 })) },
  {
    $id: 'RefreshBody',
    description: 'The refresh token, unless it comes in the `Authorization` header',
    examples: [{ refresh_token: EXAMPLE.refreshToken }],
    additionalProperties: false,
  },
)

export const RevokedSchema = Type.Object(
  {
    revoked: Type.Integer({
      description: 'How many sessions ended; that of a logout counts also if it had ended before',
    }),
  },
  { $id: 'Revoked', description: 'How many sessions ended', examples: [{ revoked: 1 }] },
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
  {
    $id: 'Session',
    description: 'A session as its user sees it: on which device it is, and when it was used',
    examples: [{ ...KEPT_SESSION, current: true }],
  },
)
export type Session = Static<typeof SessionSchema>

export const SessionPageSchema = pageOf('SessionPage', SessionSchema)
