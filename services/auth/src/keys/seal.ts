import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { ConfigError } from '@portcullis/service-kit'

/** Seals private keys for the database. Each sealed value names the key that sealed it. */
export interface Sealer {
  readonly keyId: string
  seal(plain: Buffer, context: string): Buffer
  /**
   * @throws {ConfigError} if another key has sealed it than those of the settings
   * @throws Error if it was sealed for another context
   */
  open(sealed: Buffer, keyId: string, context: string): Buffer
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * AES-256-GCM under `current`; what `previous` sealed still opens.
 *
 * @param current 32 bytes, base64
 * @param previous 32 bytes, base64
 */
export function createSealer(current: string, previous?: string): Sealer {
  const keys = new Map<string, Buffer>()
  for (const text of previous === undefined ? [current] : [previous, current]) {
    const key = Buffer.from(text, 'base64')
    if (key.length !== 32) throw new TypeError('a sealing key has 32 bytes')
    keys.set(idOf(key), key)
  }
  const keyId = idOf(Buffer.from(current, 'base64'))

  const keyOf = (id: string): Buffer => {
    const key = keys.get(id)
    if (!key)
      throw new ConfigError([
        `KEY_ENCRYPTION_KEY does not open the keys in the database: they are sealed under the key ${id}, which is ` +
          'neither KEY_ENCRYPTION_KEY nor KEY_ENCRYPTION_KEY_PREVIOUS',
      ])
    return key
  }

  return {
    keyId,
    seal(plain, context) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', keyOf(keyId), nonce).setAAD(Buffer.from(context))
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed, id, context) {
      const decipher = createDecipheriv('aes-256-gcm', keyOf(id), sealed.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(Buffer.from(context))
        .setAuthTag(sealed.subarray(-TAG_BYTES))
      return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
    },
  }
}

/** Names a sealing key without telling anything of it. */
function idOf(key: Buffer): string {
  return createHash('sha256').update('portcullis sealing key').update(key).digest('hex').slice(0, 16)
}
