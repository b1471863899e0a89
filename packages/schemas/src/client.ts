import { Type, type Static } from 'typebox'
import { TimeSchema, pageOf } from './common.ts'
import './text.ts'
import { CLIENT } from './examples.ts'

export const ClientIdSchema = Type.String({
  // `.` and `..` are no segments of a path.
  pattern: '^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,64}$',
  description: '1 to 64 letters, digits, dots, underscores or hyphens, and not `.` or `..`',
  examples: ['billing'],
})

/** The secret of a client where a person chooses it instead of auth; the same is then set in the client. */
export const ClientSecretSchema = Type.String({ minLength: 32, maxLength: 256 })

/** What a client may do: a scope-token of RFC 6749 section 3.3. */
export const ScopeSchema = Type.String({
  pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,60}$',
  examples: ['revocations:read'],
})

/** As many as fit into the `scope` claim of a token. */
export const ScopesSchema = Type.Array(ScopeSchema, { maxItems: 16, uniqueItems: true })

export const ClientStatusSchema = Type.Union([Type.Literal('active'), Type.Literal('disabled')])

export const ClientNameSchema = Type.String({
  minLength: 1,
  maxLength: 200,
  format: 'text',
  description: 'For people to read',
  examples: ['Billing'],
})

const clientProperties = {
  client_id: ClientIdSchema,
  name: ClientNameSchema,
  scopes: ScopesSchema,
  status: ClientStatusSchema,
  created_at: TimeSchema,
  updated_at: TimeSchema,
}

/** A registered client. */
export const ClientSchema = Type.Object(clientProperties, {
  $id: 'Client',
  description: 'A registered client',
  examples: [CLIENT],
})
export type Client = Static<typeof ClientSchema>

export const ClientPageSchema = pageOf('ClientPage', ClientSchema)

/** A client with the secret that it has just been given. */
export const ClientWithSecretSchema = Type.Object(
  {
    ...clientProperties,
    client_secret: Type.String({ description: 'Shown this once; only its hash is kept' }),
  },
  {
    $id: 'ClientWithSecret',
    description: 'A registered client with the secret that it has just been given',
    examples: [{ ...CLIENT, client_secret: 'shown once' }],
  },
)
export type ClientWithSecret = Static<typeof ClientWithSecretSchema>

export const CreateClientBodySchema = Type.Object(
  { client_id: Type.Optional(ClientIdSchema), name: ClientNameSchema, scopes: ScopesSchema },
  {
    $id: 'CreateClientBody',
    description: 'A client to be',
    examples: [{ client_id: 'billing', name: 'Billing', scopes: ['revocations:read'] }],
    additionalProperties: false,
  },
)
export type CreateClientBody = Static<typeof CreateClientBodySchema>

export const UpdateClientBodySchema = Type.Object(
  {
    name: Type.Optional(ClientNameSchema),
    scopes: Type.Optional(ScopesSchema),
    status: Type.Optional(ClientStatusSchema),
  },
  {
    $id: 'UpdateClientBody',
    description: 'What changes; at least one of them',
    examples: [{ status: 'disabled' }],
    additionalProperties: false,
    minProperties: 1,
  },
)
export type UpdateClientBody = Static<typeof UpdateClientBodySchema>
