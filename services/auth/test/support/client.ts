import { randomUUID } from 'node:crypto'
import type { ClientWithSecret } from '@portcullis/schemas'
import type { App } from '@portcullis/service-kit'
import { createClient } from '../../src/clients/manage.ts'
import { insertClient } from '../../src/clients/queries.ts'
import type {} from '../../src/plugins/keyring.ts'
import type { TestAuth } from './auth.ts'

/** A registered client and an access token of it. */
export interface TestClient {
  readonly id: string
  readonly token: string
}

/** Registers a client with these scopes and gives it a token for an hour. */
export async function newClient(
  { app, env, clock }: Pick<TestAuth, 'app' | 'env' | 'clock'>,
  scope: string,
  id = `client-${randomUUID()}`,
): Promise<TestClient> {
  await insertClient(app.db, { client_id: id, name: id, secret_hash: '', scopes: scope.split(' ') })
  return { id, token: clientToken(app, env['ISSUER'] ?? '', id, scope, clock.now()) }
}

function clientToken(app: App, issuer: string, id: string, scope: string, now: number): string {
  const iat = Math.floor(now / 1000)
  const claims = { sub: id, client_id: id, scope, ver: 1, ep: app.replica.epoch, jti: randomUUID() }
  return app.keyring.signAccess({ iss: issuer, aud: 'portcullis', iat, exp: iat + 3600, ...claims })
}

/** A registered client with its secret, which has yet to ask for a token. */
export async function registerClient(
  { app }: Pick<TestAuth, 'app'>,
  options: { readonly id?: string; readonly scopes?: readonly string[]; readonly secret?: string } = {},
): Promise<ClientWithSecret> {
  const { id = `client-${randomUUID()}`, scopes = ['users:changes'], secret } = options
  const client = await createClient(app.db, { client_id: id, name: 'Test', scopes }, secret)
  if (!client) throw new Error(`there is a client ${id} already`)
  return client
}
