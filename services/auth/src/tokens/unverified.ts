import { createDecoder } from 'fast-jwt'

const decode = createDecoder({ complete: true })

/** A part of a token as anybody may have written it; nothing where it has no such part. */
export function partOf(token: string, part: 'header' | 'payload'): object {
  try {
    const found: unknown = Reflect.get(Object(decode(token)), part)
    return typeof found === 'object' && found !== null ? found : {}
  } catch {
    return {}
  }
}

/** When the token says that it was issued, in seconds since 1970. */
export function issuedAtOf(token: string): number | undefined {
  const iat: unknown = Reflect.get(partOf(token, 'payload'), 'iat')
  return typeof iat === 'number' ? iat : undefined
}
