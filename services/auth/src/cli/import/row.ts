import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import {
  EmailSchema,
  FullNameSchema,
  RoleNameSchema,
  TimeSchema,
  UserRolesBodySchema,
  UserStatusSchema,
  UsernameSchema,
} from '@portcullis/schemas'
import { hashProblem } from '../../passwords/stored-hash.ts'

/** A user as somebody brings it along. */
const ImportedUserSchema = Type.Object(
  {
    username: UsernameSchema,
    password_hash: Type.String({ maxLength: 400 }),
    email: Type.Optional(Type.Union([EmailSchema, Type.Null()])),
    full_name: Type.Optional(Type.Union([FullNameSchema, Type.Null()])),
    roles: Type.Optional(UserRolesBodySchema.properties.roles),
    status: Type.Optional(UserStatusSchema),
    created_at: Type.Optional(TimeSchema),
  },
  { additionalProperties: false },
)
export type ImportedUser = Static<typeof ImportedUserSchema>

/** What stands where in the file. */
export interface LineError {
  readonly line: number
  /** Of the user; undefined if the line is no user at all. */
  readonly field?: string
  readonly detail: string
}

export const COLUMNS: readonly string[] = Object.keys(ImportedUserSchema.properties)

const isImportedUser = Compile(ImportedUserSchema)
const isRoleName = Compile(RoleNameSchema)

/** The user of a line, or what is wrong with it: each field once, and never its value. */
export function readUser(line: number, value: unknown): ImportedUser | LineError[] {
  if (isImportedUser.Check(value)) {
    const detail = hashProblem(value.password_hash)
    return detail === undefined ? value : [{ line, field: 'password_hash', detail }]
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [{ line, detail: 'is not a JSON object' }]
  const fields = new Set([...Object.keys(value), 'username', 'password_hash'])
  return [...fields].flatMap((field) => {
    const detail = wrongWith(field, Reflect.get(value, field))
    return detail === undefined ? [] : [{ line, field: field.slice(0, 100), detail }]
  })
}

const EXPECTED: Readonly<Record<string, string>> = {
  username: 'needs 3 to 32 letters, digits, dots, underscores or hyphens',
  email: 'is not an email address',
  full_name: 'needs 1 to 200 characters',
  roles: 'has to be a list of up to 50 names of roles, each once',
  status: 'is neither active nor disabled',
  created_at: 'is not a time such as 2026-11-21T09:30:00.000Z',
}

function wrongWith(field: string, value: unknown): string | undefined {
  if (!COLUMNS.includes(field)) return `is not known; fields are ${COLUMNS.join(', ')}`
  if (value === undefined) return 'is missing'
  if (field === 'password_hash') return typeof value === 'string' ? hashProblem(value) : 'is not a string'
  if (field === 'roles' && Array.isArray(value) && value.some((name) => !isRoleName.Check(name)))
    return 'holds what is no name of a role'
  const isGood = isImportedUser.Check({ ...VALID, [field]: value })
  return isGood ? undefined : EXPECTED[field]
}

/** With this, one field is looked at alone. */
const VALID = { username: 'valid', password_hash: '' }
