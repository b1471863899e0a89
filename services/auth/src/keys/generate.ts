import { createHash, generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { Insertable } from 'kysely'
import type { Jwk } from '@portcullis/schemas'
import type { RefreshKeys, SigningKeys } from '../database/tables.ts'
import type { Sealer } from './seal.ts'

const generate = promisify(generateKeyPair)

/** A new signing key, its private half sealed. */
export async function newSigningKey(
  alg: 'ES256' | 'RS256',
  state: 'active' | 'standby',
  sealer: Sealer,
): Promise<Insertable<SigningKeys>> {
  const pair =
    alg === 'ES256'
      ? await generate('ec', { namedCurve: 'P-256' })
      : await generate('rsa', { modulusLength: 2048 })
  const { kty = '', crv, x, y, n, e } = pair.publicKey.export({ format: 'jwk' })
  const members = alg === 'ES256' ? { crv, kty, x, y } : { e, kty, n }
  const kid = thumbprint(members)
  const jwk: Jwk = { ...definedOnly(members), kty, kid, use: 'sig', alg }
  const privateKey = pair.privateKey.export({ format: 'der', type: 'pkcs8' })
  return {
    kid,
    alg,
    public_jwk: JSON.stringify(jwk),
    sealed: sealer.seal(privateKey, kid),
    sealed_by: sealer.keyId,
    state,
  }
}

/** A new key for refresh tokens, sealed. */
export function newRefreshKey(sealer: Sealer): Insertable<RefreshKeys> {
  const kid = randomBytes(12).toString('base64url')
  return { kid, sealed: sealer.seal(randomBytes(32), kid), sealed_by: sealer.keyId, state: 'active' }
}

/** JWK thumbprint (RFC 7638): the required members in the order of their names. */
function thumbprint(members: Record<string, string | undefined>): string {
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url')
}

function definedOnly(members: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
