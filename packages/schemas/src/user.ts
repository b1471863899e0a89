import { Type, type Static } from 'typebox'
import { IdSchema, TimeSchema, ref } from './common.ts'

export const UsernameSchema = Type.String({
  minLength: 3,
  maxLength: 32,
  pattern: '^[A-Za-z0-9._-]+$',
  description: '3 to 32 of letters, digits, `.`, `_`, `-`; unique without regard to case',
  examples: ['ada.lovelace'],
})

export const EmailSchema = Type.String({
  format: 'email',
  maxLength: 254,
  description: 'Unique without regard to case, kept as typed',
  examples: ['Ada@example.com'],
})

export const PasswordSchema = Type.String({
  minLength: 8,
  maxLength: 256,
  format: 'text',
  description: '8 to 256 characters; common ones are refused',
  examples: ['correct horse battery staple'],
})

export const RoleNameSchema = Type.String({ pattern: '^[a-z0-9_-]{1,32}$', examples: ['moderator'] })

export const UserStatusSchema = Type.Union([Type.Literal('active'), Type.Literal('disabled')])

export const UserSchema = Type.Object(
  {
    id: IdSchema,
    username: UsernameSchema,
    email: Type.Union([EmailSchema, Type.Null()]),
    full_name: Type.Union([Type.String({ maxLength: 200 }), Type.Null()]),
    roles: Type.Array(RoleNameSchema),
    status: UserStatusSchema,
    created_at: TimeSchema,
    updated_at: TimeSchema,
  },
  { $id: 'User' },
)
export type User = Static<typeof UserSchema>

export const SignupBodySchema = Type.Object(
  { username: UsernameSchema, password: PasswordSchema, email: Type.Optional(EmailSchema) },
  { $id: 'SignupBody', additionalProperties: false },
)
export type SignupBody = Static<typeof SignupBodySchema>

export const UserAnswerSchema = Type.Object({ user: ref(UserSchema) }, { $id: 'UserAnswer' })
