import { randomUUID } from 'node:crypto'
import type { ClientWithSecret } from '@portcullis/schemas'
import { createClient } from '../../src/clients/manage.ts'
import type { TestAuth } from './auth.ts'

export interface NewTestClient {
  readonly clientId?: string
  readonly scopes?: readonly string[]
  readonly secret?: string
}

/** A registered client, put into the database. */
export async function newClient(
  auth: Pick<TestAuth, 'app'>,
  { clientId = `client-${randomUUID()}`, scopes = ['users:changes'], secret }: NewTestClient = {},
): Promise<ClientWithSecret> {
  const client = await createClient(auth.app.db, { client_id: clientId, name: 'Test', scopes }, secret)
  if (!client) throw new Error(`there is a client ${clientId} already`)
  return client
}
