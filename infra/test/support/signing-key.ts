import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import pg from 'pg'
import { createSealer } from '../../../services/auth/src/keys/seal.ts'
import type { Pair } from './pair.ts'

/** The key that a running auth signs with, for tokens that it would never sign. */
export interface IssuersKey {
  readonly kid: string
  /** SPKI, PEM. */
  readonly publicPem: string
  readonly jwk: Readonly<Record<string, unknown>>
  /** A signature over these bytes, as ES256 has it. */
  readonly sign: (input: string) => Buffer
}

/** Reads it where auth keeps it, with what opens it. */
export async function readSigningKey({ databases, keyEncryptionKey }: Pair): Promise<IssuersKey> {
  const client = new pg.Client({ connectionString: databases.auth })
  await client.connect()
  try {
    const { rows } = await client.query(
      "select kid, public_jwk, sealed, sealed_by from signing_keys where state = 'active'",
    )
    const { kid, public_jwk, sealed, sealed_by } = rows[0]
    const der = createSealer(keyEncryptionKey).open(sealed, sealed_by, kid)
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    return {
      kid,
      publicPem: publicPemOf(public_jwk),
      jwk: public_jwk,
      sign: (input) => sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }),
    }
  } finally {
    await client.end()
  }
}

function publicPemOf(jwk: Readonly<Record<string, unknown>>): string {
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'spki' })
}
