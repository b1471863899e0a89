import { Type, type Static } from 'typebox'
import { TimeSchema, pageOf } from './common.ts'
import './text.ts'
import { RoleNameSchema, UserStatusSchema } from './user.ts'
import { EXAMPLE } from './examples.ts'

/** Tokens carry the roles of their user, so there is an end to how many one can have. */
export const MAX_ROLES_PER_USER = 50

const RoleDescriptionSchema = Type.String({
  maxLength: 500,
  format: 'text',
  examples: ['May change and delete the posts of others'],
})

export const RoleSchema = Type.Object(
  {
    name: RoleNameSchema,
    description: RoleDescriptionSchema,
    built_in: Type.Boolean({ description: 'Whether it is always there' }),
    created_at: TimeSchema,
  },
  {
    $id: 'Role',
    description: 'A role',
    examples: [
      {
        name: 'editor',
        description: 'May change the posts of others',
        built_in: false,
        created_at: EXAMPLE.signedUpAt,
      },
    ],
  },
)
export type Role = Static<typeof RoleSchema>

export const RolePageSchema = pageOf('RolePage', RoleSchema)

export const CreateRoleBodySchema = Type.Object(
  { name: RoleNameSchema, description: Type.Optional(RoleDescriptionSchema) },
  {
    $id: 'CreateRoleBody',
    description: 'A role to be',
    examples: [{ name: 'editor', description: 'May change the posts of others' }],
    additionalProperties: false,
  },
)
export type CreateRoleBody = Static<typeof CreateRoleBodySchema>

export const UserRolesBodySchema = Type.Object(
  { roles: Type.Array(RoleNameSchema, { maxItems: MAX_ROLES_PER_USER, uniqueItems: true }) },
  {
    $id: 'UserRolesBody',
    description: 'All roles that the user shall have',
    examples: [{ roles: ['user', 'moderator'] }],
    additionalProperties: false,
  },
)
export type UserRolesBody = Static<typeof UserRolesBodySchema>

export const UserStatusBodySchema = Type.Object(
  { status: UserStatusSchema },
  {
    $id: 'UserStatusBody',
    description: 'Whether the user may log in',
    examples: [{ status: 'disabled' }],
    additionalProperties: false,
  },
)
export type UserStatusBody = Static<typeof UserStatusBodySchema>
