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

const HTTP = ['http:', 'https:']
const HTTP_URL = 'must be an http or https URL'
const POSTGRES_URL = 'must be a URL such as postgres://user:password@host:5432/database'
const POSTGRES_OWNER_URL =
  'must name the role, its password and the database that are to be made: postgres://role:password@host:5432/database'

type Faults = (value: string) => string | undefined

/** Why a text has not the format; it repeats nothing of the text but names of files. */
const FAULTS: Readonly<Record<string, Faults>> = {
  /** A name or an address to listen on. */
  host: either(isHost, 'must be a name or an address'),
  /** `http(s)://host[:port]/…` to be fetched from, which takes no user and password. */
  'http-url': faultOfHttpUrl,
  /** The same of a collector of traces, where they are sent as `Authorization`. */
  'collector-url': faultOfCollectorUrl,
  /** `http(s)://host[:port]` without a path, as `iss` has it: no trailing slash. */
  origin: either(
    isOrigin,
    'must be scheme, host and port alone, such as https://auth.example.com: no path, no slash at the end',
  ),
  /** `postgres://user:password@host:port/database`, with what node-postgres knows of `sslmode` and its files. */
  'postgres-url': faultOfPostgresUrl,
  /** The same, of a role and a database that are to be made. */
  'postgres-owner-url': faultOfOwnerUrl,
  /** See `parseRedisUrl`. */
  'redis-url': faultOfRedisUrl,
  /** `true`, `false`, or addresses and ranges separated by commas. */
  'trust-proxy': either(
    isTrustProxy,
    'must be true, false, or addresses and networks separated by commas, such as 10.0.0.0/8',
  ),
  /** Origins separated by commas. */
  origins: either(
    (value) => originsOf(value).every(isOrigin),
    'must be origins separated by commas, such as https://app.example.com; * is none',
  ),
}

for (const [format, faultOf] of Object.entries(FAULTS))
  Format.Set(format, (value) => faultOf(value) === undefined)

/** Why a value has not the format; undefined also for a format that is not one of ours. */
export function whatIsWrongWith(format: string, value: unknown): string | undefined {
  return typeof value === 'string' ? FAULTS[format]?.(value) : undefined
}

/** For a format of which no more can be told than what is meant. */
function either(isRight: (value: string) => boolean, meant: string): Faults {
  return (value) => (isRight(value) ? undefined : meant)
}

function isHost(value: string): boolean {
  return isIP(value) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(value)
}

function isOrigin(value: string): boolean {
  return urlOf(value, HTTP)?.origin === value
}

/** `CORS_ORIGINS` as a list. */
export function originsOf(setting: string): string[] {
  return setting
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '')
}

function isTrustProxy(value: string): boolean {
  return ['true', 'false', ''].includes(value) || value.split(',').every((part) => isNetwork(part.trim()))
}

/** An address, or one with the length of its network's prefix. */
function isNetwork(value: string): boolean {
  const [address = '', length, ...rest] = value.split('/')
  const bits = { 4: 32, 6: 128 }[isIP(address)]
  if (bits === undefined || rest.length > 0) return false
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bits)
}

function faultOfCollectorUrl(value: string): string | undefined {
  return faultOfBlanks(value) ?? (urlOf(value, HTTP) ? undefined : HTTP_URL)
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
  if (!url) return POSTGRES_URL
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
  if (username === '' || password === '' || pathname.length < 2) return POSTGRES_OWNER_URL
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
