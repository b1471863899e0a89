import { hkdfSync } from 'node:crypto'

/** A key for one purpose from a secret that serves another (RFC 5869). */
export function deriveKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `portcullis ${purpose}`, 32))
}
