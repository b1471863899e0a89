import { isIP } from 'node:net'
import { Format } from 'typebox/format'
import { parseRedisUrl } from '@portcullis/token-verifier/redis'

/** Formats of settings, for `Type.String({ format })` in a configuration's schema. */

function urlOf(value: string, protocols: readonly string[]): URL | undefined {
  if (!URL.canParse(value)) return undefined
  const url = new URL(value)
  return protocols.includes(url.protocol) && url.hostname !== '' ? url : undefined
}

/** A name or an address to listen on. */
Format.Set(
  'host',
  (value) => isIP(value) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(value),
)

/** `http(s)://host[:port]/…` */
Format.Set('http-url', (value) => urlOf(value, ['http:', 'https:']) !== undefined)

/** `http(s)://host[:port]` without a path, as `iss` has it: no trailing slash. */
Format.Set('origin', (value) => urlOf(value, ['http:', 'https:'])?.origin === value)

/** `postgres://user:password@host:port/database` */
Format.Set('postgres-url', (value) => urlOf(value, ['postgres:', 'postgresql:']) !== undefined)

/** See `parseRedisUrl`. */
Format.Set('redis-url', (value) => whatIsWrongWith('redis-url', value) === undefined)

/** `true`, `false`, or addresses and ranges separated by commas. */
Format.Set('trust-proxy', (value) => /^(true|false|[0-9a-fA-F:./]+(,\s*[0-9a-fA-F:./]+)*|)$/.test(value))

/** Origins separated by commas. */
Format.Set('origins', (value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .every((part) => urlOf(part, ['http:', 'https:'])?.origin === part),
)

/** Why a text has not the format, where more can be said than that; it repeats nothing of the text. */
export function whatIsWrongWith(format: string, value: unknown): string | undefined {
  if (format !== 'redis-url' || typeof value !== 'string') return undefined
  try {
    parseRedisUrl(value)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : 'is wrong'
  }
}
