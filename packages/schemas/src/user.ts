import { Type, type Static } from 'typebox'
import { IdSchema, ListQuerySchema, TimeSchema, ref, pageOf } from './common.ts'
import './email.ts'
import { TokenPairSchema } from './session.ts'
import { EXAMPLE, USER, TOKEN_PAIR } from './examples.ts'

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
  {
    $id: 'User',
    description: 'A user, as the user and admins see it',
    examples: [USER],
  },
)
export type User = Static<typeof UserSchema>

export const SignupBodySchema = Type.Object(
  { username: UsernameSchema, password: PasswordSchema, email: Type.Optional(EmailSchema) },
  {
    $id: 'SignupBody',
    description: 'Who signs up',
    examples: [
      { username: 'ada.lovelace', password: 'correct horse battery staple', email: 'Ada@example.com' },
    ],
    additionalProperties: false,
  },
)
export type SignupBody = Static<typeof SignupBodySchema>

export const UserAnswerSchema = Type.Object(
  { user: ref(UserSchema) },
  { $id: 'UserAnswer', description: 'The user', examples: [{ user: USER }] },
)

export const FullNameSchema = Type.String({
  minLength: 1,
  maxLength: 200,
  format: 'text',
  examples: ['Ada Lovelace'],
})

/** What users change of themselves. Null takes an email or a full name away. */
export const UpdateMeBodySchema = Type.Object(
  {
    username: Type.Optional(UsernameSchema),
    email: Type.Optional(Type.Union([EmailSchema, Type.Null()])),
    full_name: Type.Optional(Type.Union([FullNameSchema, Type.Null()])),
  },
  {
    $id: 'UpdateMeBody',
    description: 'What changes; at least one of them',
    examples: [{ full_name: 'Ada King' }],
    additionalProperties: false,
    minProperties: 1,
  },
)
export type UpdateMeBody = Static<typeof UpdateMeBodySchema>

/** The user after the change, and the token pair that names it. */
export const UpdatedMeSchema = Type.Object(
  { user: ref(UserSchema), ...TokenPairSchema.properties },
  {
    $id: 'UpdatedMe',
    description: 'The user after the change, and the token pair that names it',
    examples: [{ user: { ...USER, full_name: 'Ada King', updated_at: EXAMPLE.laterAt }, ...TOKEN_PAIR }],
  },
)
export type UpdatedMe = Static<typeof UpdatedMeSchema>

export const ChangePasswordBodySchema = Type.Object(
  {
    current_password: Type.String({
      minLength: 1,
      maxLength: 256,
      format: 'text',
      examples: ['correct horse battery staple'],
    }),
    new_password: PasswordSchema,
  },
  {
    $id: 'ChangePasswordBody',
    description: 'The password there is, and the one that shall be',
    examples: [
      { current_password: 'correct horse battery staple', new_password: 'a fresher horse, a better battery' },
    ],
    additionalProperties: false,
  },
)
export type ChangePasswordBody = Static<typeof ChangePasswordBodySchema>

/** A user as users see each other; what is optional only admins see. */
export const ListedUserSchema = Type.Object(
  {
    id: IdSchema,
    username: UsernameSchema,
    created_at: TimeSchema,
    email: Type.Optional(Type.Union([EmailSchema, Type.Null()])),
    roles: Type.Optional(Type.Array(RoleNameSchema)),
    status: Type.Optional(UserStatusSchema),
  },
  {
    $id: 'ListedUser',
    description: 'A user as users see each other; what is optional only admins see',
    examples: [{ id: EXAMPLE.userId, username: 'ada.lovelace', created_at: EXAMPLE.signedUpAt }],
  },
)
export type ListedUser = Static<typeof ListedUserSchema>

export const UserPageSchema = pageOf('UserPage', ListedUserSchema)

export const ListUsersQuerySchema = Type.Object(
  {
    ...ListQuerySchema.properties,
    username: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9._-]{1,32}$',
        description: 'Only users whose name begins so, without regard to case',
      }),
    ),
  },
  { additionalProperties: false },
)
