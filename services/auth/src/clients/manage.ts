import type { Kysely } from 'kysely'
import { LOGIN_CLIENT_ID, type ClientWithSecret, type UpdateClientBody } from '@portcullis/schemas'
import type { DB } from '../database/tables.ts'
import type { Receipt, Transact } from '../database/transaction.ts'
import { AUTH_CLIENT_ID } from '../revocation/verifiers/admit.ts'
import { findReceipt } from '../revocation/receipt.ts'
import {
  deleteClientById,
  insertClient,
  lockClientToChange,
  toClient,
  updateClient,
  type ShownClient,
} from './queries.ts'
import { hashClientSecret, newClientSecret } from './secret.ts'

interface Stores {
  readonly db: Kysely<DB>
  readonly transact: Transact
}

/** A client after a change, and where the change stands in the revocation log if it killed tokens. */
export interface ChangedClient<T = ShownClient> {
  readonly client: T
  readonly receipt: Receipt | undefined
}

/** Whether no client may have this id: that of logins, and the one that auth's own verifiers stand under. */
export function isReservedClientId(clientId: string): boolean {
  return clientId === LOGIN_CLIENT_ID || clientId === AUTH_CLIENT_ID
}

/**
 * Registers a client.
 *
 * @param secret a new one by default
 * @returns undefined if the id is taken, or reserved
 */
export async function createClient(
  db: Kysely<DB>,
  client: { readonly client_id: string; readonly name: string; readonly scopes: readonly string[] },
  secret = newClientSecret(),
): Promise<ClientWithSecret | undefined> {
  if (isReservedClientId(client.client_id)) return undefined
  const inserted = await insertClient(db, {
    client_id: client.client_id,
    name: client.name,
    scopes: [...client.scopes],
    secret_hash: hashClientSecret(secret),
  })
  return inserted && { ...toClient(inserted), client_secret: secret }
}

/**
 * Changes what a client is called, what it may do, or whether it may do anything. Its tokens die with a scope
 * that is taken away and when it is disabled.
 *
 * @returns undefined if there is no such client
 */
export async function changeClient(
  { db, transact }: Stores,
  clientId: string,
  change: UpdateClientBody,
): Promise<ChangedClient | undefined> {
  const { value: client, receipt } = await transact(async (trx) => {
    const before = await lockClientToChange(trx, clientId)
    if (!before) return { value: undefined }
    const { scopes = before.scopes, status } = change
    const revokesTokens =
      (status === 'disabled' && before.status === 'active') ||
      before.scopes.some((scope) => !scopes.includes(scope))
    const after = await updateClient(trx, clientId, change, revokesTokens)
    return { value: after, revoke: revokesTokens ? clientRevocation(clientId, after?.ver) : undefined }
  })
  // What was asked for may have been done before, by a request whose answer was lost.
  return client && { client, receipt: receipt ?? (await findReceipt(db, 'client', clientId)) }
}

/**
 * Gives a client another secret. The old one and all tokens die at once.
 *
 * @returns undefined if there is no such client
 */
export async function rotateClientSecret(
  { transact }: Pick<Stores, 'transact'>,
  clientId: string,
  secret = newClientSecret(),
): Promise<ChangedClient<ClientWithSecret> | undefined> {
  const { value: client, receipt } = await transact(async (trx) => {
    const after = await updateClient(trx, clientId, { secret_hash: hashClientSecret(secret) }, true)
    return { value: after, revoke: after && clientRevocation(clientId, after.ver) }
  })
  return client && { client: { ...toClient(client), client_secret: secret }, receipt }
}

/** Takes a client away; its tokens die. @returns undefined if there is no such client */
export async function deleteClient(
  { transact }: Pick<Stores, 'transact'>,
  clientId: string,
): Promise<ChangedClient | undefined> {
  const { value: client, receipt } = await transact(async (trx) => {
    const deleted = await deleteClientById(trx, clientId)
    return { value: deleted, revoke: deleted && clientRevocation(clientId, deleted.ver + 1) }
  })
  return client && { client, receipt }
}

function clientRevocation(clientId: string, ver: number | undefined) {
  return { kind: 'client', key: clientId, value: ver ?? 0 } as const
}
