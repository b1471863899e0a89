import { createPublicKey } from 'node:crypto'
import { JwkSchema, type Jwk } from '@portcullis/schemas'
import { Type } from 'typebox'
import { Compile } from 'typebox/schema'

export type Algorithm = Jwk['alg']
export const ALGORITHMS: readonly Algorithm[] = ['ES256', 'RS256']

const MAX_KEYS = 100
const MIN_RSA_BITS = 2048

const jwkSet = Compile(Type.Object({ keys: Type.Array(Type.Unknown(), { maxItems: MAX_KEYS }) }))
const jwk = Compile(JwkSchema)

/**
 * The keys of a JWK Set (RFC 7517) that can verify the algorithm, as kid → SPKI PEM. Keys of other kinds are
 * passed over, as section 5 asks; so are RSA keys under 2048 bits and keys on other curves than P-256.
 *
 * @throws Error if it is no JWK Set, or none of its keys is of use.
 */
export function readJwkSet(document: unknown, algorithm: Algorithm): Map<string, string> {
  if (!jwkSet.Check(document)) throw new Error('not a JWK Set')
  const keys = new Map<string, string>()
  for (const candidate of document.keys) {
    if (!jwk.Check(candidate) || candidate.alg !== algorithm) continue
    const pem = toPem(candidate)
    if (pem !== undefined) keys.set(candidate.kid, pem)
  }
  if (keys.size === 0) throw new Error(`the JWK Set has no key for ${algorithm}`)
  return keys
}

function toPem({ alg, kty, crv = '', x = '', y = '', n = '', e = '' }: Jwk): string | undefined {
  try {
    const members = alg === 'ES256' ? { kty, crv, x, y } : { kty, n, e }
    const key = createPublicKey({ key: members, format: 'jwk' })
    const details = key.asymmetricKeyDetails
    const fits =
      alg === 'ES256'
        ? details?.namedCurve === 'prime256v1'
        : key.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= MIN_RSA_BITS
    return fits ? key.export({ type: 'spki', format: 'pem' }) : undefined
  } catch {
    return undefined
  }
}
