import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** A new client secret: 32 random bytes. */
export function newClientSecret(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * What is stored of a client secret. It is random and long, so that a fast hash keeps it as well as a slow one,
 * and checking it costs nothing.
 */
export function hashClientSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

export function matchesClientSecret(secret: string, hash: string): boolean {
  const given = Buffer.from(hashClientSecret(secret))
  const stored = Buffer.from(hash)
  return given.length === stored.length && timingSafeEqual(given, stored)
}
