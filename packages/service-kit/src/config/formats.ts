import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { Format } from 'typebox/format'
import { faultOfBlanks, parseRedisUrl } from '@portcullis/token-verifier/redis'

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

/** `http(s)://host[:port]/…` to be fetched from, which takes no user and password. */
Format.Set('http-url', (value) => faultOfHttpUrl(value) === undefined)

/** The same of a collector of traces, where they are sent as `Authorization`. */
Format.Set('collector-url', (value) => faultOfCollectorUrl(value) === undefined)

/** `http(s)://host[:port]` without a path, as `iss` has it: no trailing slash. */
Format.Set('origin', (value) => urlOf(value, ['http:', 'https:'])?.origin === value)

/** `postgres://user:password@host:port/database`, with what node-postgres knows of `sslmode` and its files. */
Format.Set('postgres-url', (value) => faultOfPostgresUrl(value) === undefined)

/** The same, of a role and a database that are to be made. */
Format.Set('postgres-owner-url', (value) => faultOfOwnerUrl(value) === undefined)

/** See `parseRedisUrl`. */
Format.Set('redis-url', (value) => faultOfRedisUrl(value) === undefined)

/** `true`, `false`, or addresses and ranges separated by commas. */
Format.Set(
  'trust-proxy',
  (value) =>
    ['true', 'false', ''].includes(value) || value.split(',').every((part) => isNetwork(part.trim())),
)

/** An address, or one with the length of its network's prefix. */
function isNetwork(value: string): boolean {
  const [address = '', length, ...rest] = value.split('/')
  const bits = { 4: 32, 6: 128 }[isIP(address)]
  if (bits === undefined || rest.length > 0) return false
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bits)
}

/** Origins separated by commas. */
Format.Set('origins', (value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .every((part) => urlOf(part, ['http:', 'https:'])?.origin === part),
)

/** What a text of each format is. */
const MEANT: Readonly<Record<string, string>> = {
  host: 'must be a name or an address',
  'http-url': 'must be an http or https URL',
  origin:
    'must be scheme, host and port alone, such as https://auth.example.com: no path, no slash at the end',
  'postgres-url': 'must be a URL such as postgres://user:password@host:5432/database',
  'postgres-owner-url':
    'must name the role, its password and the database that are to be made: postgres://role:password@host:5432/database',
  'trust-proxy': 'must be true, false, or addresses and networks separated by commas, such as 10.0.0.0/8',
  origins: 'must be origins separated by commas, such as https://app.example.com; * is none',
}

/** Why a text has not the format; it repeats nothing of the text but names of files. */
export function whatIsWrongWith(format: string, value: unknown): string | undefined {
  const faultOf = FAULTS[format]
  return faultOf && typeof value === 'string' ? faultOf(value) : MEANT[format]
}

/** Where more can be wrong than one text says. */
const FAULTS: Readonly<Record<string, (value: string) => string | undefined>> = {
  'http-url': faultOfHttpUrl,
  'collector-url': faultOfCollectorUrl,
  'postgres-url': faultOfPostgresUrl,
  'postgres-owner-url': faultOfOwnerUrl,
  'redis-url': faultOfRedisUrl,
}

function faultOfCollectorUrl(value: string): string | undefined {
  return faultOfBlanks(value) ?? (urlOf(value, ['http:', 'https:']) ? undefined : MEANT['http-url'])
}

function faultOfHttpUrl(value: string): string | undefined {
  const fault = faultOfCollectorUrl(value)
  if (fault !== undefined) return fault
  const { username, password } = new URL(value)
  return username + password === '' ? undefined : 'must be without user and password'
}

function faultOfRedisUrl(value: string): string | undefined {
  try {
    parseRedisUrl(value)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : 'is wrong'
  }
}

const POSTGRES_FILES = ['sslrootcert', 'sslcert', 'sslkey']

function faultOfPostgresUrl(value: string): string | undefined {
  const blanks = faultOfBlanks(value)
  if (blanks !== undefined) return blanks
  const url = urlOf(value, ['postgres:', 'postgresql:'])
  if (!url) return MEANT['postgres-url']
  if (!isEncoded(url.username + url.password))
    return 'has a user or a password with a % that stands for nothing'
  for (const parameter of POSTGRES_FILES) {
    const file = url.searchParams.get(parameter)
    if (file && !canBeRead(file)) return `names a file in ${parameter} that cannot be read: ${file}`
  }
  return undefined
}

function faultOfOwnerUrl(value: string): string | undefined {
  const fault = faultOfPostgresUrl(value)
  if (fault !== undefined) return fault
  const { username, password, pathname } = new URL(value)
  if (username === '' || password === '' || pathname.length < 2) return MEANT['postgres-owner-url']
  return isEncoded(pathname) ? undefined : 'has a database with a % that stands for nothing'
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function canBeRead(file: string): boolean {
  try {
    readFileSync(file)
    return true
  } catch {
    return false
  }
}
