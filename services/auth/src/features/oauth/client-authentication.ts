import type { FastifyContextConfig, FastifyInstance, FastifyRequest } from 'fastify'
import { Compile } from 'typebox/compile'
import { ClientCredentialsSchema, ClientIdSchema } from '@portcullis/schemas'
import { findClientCredentials } from '../../clients/queries.ts'
import { hashClientSecret, matchesClientSecret } from '../../clients/secret.ts'
import { OAuthError } from './errors.ts'

/** A registered client that has shown its secret. */
export interface AuthenticatedClient {
  readonly client_id: string
  readonly scopes: readonly string[]
  readonly ver: number
  /** When `ver` was asked for, in milliseconds since 1970. A token of that version is no younger. */
  readonly asOf: number
}

interface Credentials {
  readonly clientId: string
  readonly secret: string
}

const isForm = Compile(ClientCredentialsSchema)
const isClientId = Compile(ClientIdSchema)
/** Compared with where there is no client, so that the time tells nobody whether there is one. */
const NO_HASH = hashClientSecret('')

const authenticated = new WeakMap<FastifyRequest, Promise<AuthenticatedClient>>()

/**
 * The client that the request authenticates (RFC 6749 section 2.3.1), by HTTP Basic or in the form. The request
 * remembers the answer.
 *
 * @throws {OAuthError} invalid_client; invalid_request for two ways at once
 */
export function authenticateClient(
  app: FastifyInstance,
  request: FastifyRequest,
): Promise<AuthenticatedClient> {
  const known = authenticated.get(request)
  if (known) return known
  const client = authenticate(app, readCredentials(request))
  authenticated.set(request, client)
  return client
}

/** Of a route under /oauth: the requests of a client count together, wherever they come from. */
export function countedByClient(
  app: FastifyInstance,
): Pick<FastifyContextConfig, 'rateLimitByBody' | 'rateLimitKey'> {
  return {
    rateLimitByBody: true,
    rateLimitKey: async (request) => `client:${(await authenticateClient(app, request)).client_id}`,
  }
}

/** Whether the request shows a secret, rather than coming from the public client. */
export function hasClientSecret(request: FastifyRequest): boolean {
  return basicOf(request) !== undefined || formOf(request).client_secret !== undefined
}

async function authenticate(
  app: FastifyInstance,
  credentials: Credentials | OAuthError,
): Promise<AuthenticatedClient> {
  if (credentials instanceof OAuthError) throw credentials
  const { clientId, secret } = credentials
  const asOf = app.now()
  const client = isClientId.Check(clientId) ? await findClientCredentials(app.db, clientId) : undefined
  const matches = matchesClientSecret(secret, client?.secret_hash ?? NO_HASH)
  if (!client || !matches || client.status !== 'active')
    throw new OAuthError('invalid_client', 'No active client has this id and secret')
  return { client_id: client.client_id, scopes: client.scopes, ver: client.ver, asOf }
}

function readCredentials(request: FastifyRequest): Credentials | OAuthError {
  const basic = basicOf(request)
  const { client_id, client_secret } = formOf(request)
  if (basic === undefined) {
    if (client_id !== undefined && client_secret !== undefined)
      return { clientId: client_id, secret: client_secret }
    return new OAuthError('invalid_client', 'Authenticate by client_secret_basic or client_secret_post')
  }
  if (client_secret !== undefined)
    return new OAuthError(
      'invalid_request',
      'Authenticate in one way only, not in the form and by HTTP Basic',
    )
  const credentials = decodeBasic(basic)
  if (!credentials) return new OAuthError('invalid_client', 'The Authorization header is malformed')
  if (client_id !== undefined && client_id !== credentials.clientId)
    return new OAuthError(
      'invalid_request',
      'client_id is not the client that the Authorization header names',
    )
  return credentials
}

function formOf(request: FastifyRequest): { client_id?: string; client_secret?: string } {
  return isForm.Check(request.body) ? request.body : {}
}

/** What follows the scheme, if it is Basic. Another scheme does not authenticate clients and says nothing here. */
function basicOf(request: FastifyRequest): string | undefined {
  const found = /^basic(?: +(.*))?$/i.exec(request.headers.authorization ?? '')
  return found ? (found[1] ?? '') : undefined
}

/** Both halves are encoded as in a form before they are joined (RFC 6749 section 2.3.1). */
function decodeBasic(encoded: string): Credentials | undefined {
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.toString('base64').replaceAll('=', '') !== encoded.replaceAll('=', '')) return undefined
  const [, clientId, secret] = /^([^:]*):(.*)$/s.exec(bytes.toString()) ?? []
  if (clientId === undefined || secret === undefined) return undefined
  try {
    return { clientId: decodeFormText(clientId), secret: decodeFormText(secret) }
  } catch {
    return undefined
  }
}

function decodeFormText(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}
