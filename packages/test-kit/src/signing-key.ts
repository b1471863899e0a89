import { createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { ACCESS_TYP, type Jwk } from '@portcullis/schemas'

export interface SigningKey {
  readonly kid: string
  readonly jwk: Jwk
  readonly privatePem: string
  readonly publicPem: string
  /** Signs the claims as they are, also such as no library would. `header` adds to the header, or replaces what is in it. */
  sign(claims: object, header?: Record<string, unknown>): string
}

/** A new key; its id is its thumbprint (RFC 7638). */
export function createSigningKey(algorithm: Jwk['alg'] = 'ES256'): SigningKey {
  const encoding = {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  } as const
  const { publicKey, privateKey } =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256', ...encoding })
      : generateKeyPairSync('rsa', { modulusLength: 2048, ...encoding })
  const {
    kty = '',
    crv = '',
    x = '',
    y = '',
    n = '',
    e = '',
  } = createPublicKey(publicKey).export({ format: 'jwk' })
  // The members that make a thumbprint, in the order that section 3.2 asks for.
  const members = algorithm === 'ES256' ? { crv, kty, x, y } : { e, kty, n }
  const kid = createHash('sha256').update(JSON.stringify(members)).digest('base64url')
  return {
    kid,
    jwk: { ...members, kid, use: 'sig', alg: algorithm },
    privatePem: privateKey,
    publicPem: publicKey,
    sign: (claims, header = {}) => {
      const parts = [{ alg: algorithm, typ: ACCESS_TYP, kid, ...header }, claims]
      const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
      const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${input}.${signature.toString('base64url')}`
    },
  }
}
