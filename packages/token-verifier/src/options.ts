import { faultOfBlanks } from './blanks.ts'

// Options come from the environment more often than not, where what is missing or misspelt is not seen by a compiler.
// What is wrong with one is said when it is given: later it would be nothing but a service that answers 503.

/** @throws TypeError if it is no text, or empty */
export function text(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '')
    throw new TypeError(`${name} must be a text that is not empty`)
  return value
}

/** @throws TypeError if it is neither such a text nor a list of them */
export function texts(name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [text(name, value)]
  if (value.length === 0) throw new TypeError(`${name} must not be empty`)
  return value.map((one) => text(name, one))
}

/** @throws TypeError if it is not one of these */
export function oneOf<T extends string>(name: string, value: unknown, known: readonly T[]): T {
  const found = known.find((one) => one === value)
  if (found === undefined) throw new TypeError(`${name} must be ${known.join(' or ')}`)
  return found
}

/** @throws TypeError if it is no URL that `fetch` takes; it repeats nothing of the text, which may hold a password */
export function httpUrl(name: string, value: unknown): string {
  const found = text(name, value)
  const fault = faultOfBlanks(found) ?? faultOfHttpUrl(found)
  if (fault === undefined) return found
  throw new TypeError(`${name} ${fault}`)
}

function faultOfHttpUrl(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) return 'must be an http or https URL'
  return url.username + url.password === '' ? undefined : 'must be without user and password'
}

/** @throws TypeError if it is no number above 0, and at most `longest` */
export function seconds(name: string, value: unknown, longest: number): number {
  if (typeof value === 'number' && value > 0 && value <= longest) return value
  throw new TypeError(`${name} must be a number above 0 and at most ${longest}`)
}

/** @throws TypeError if it is more than printable ASCII, or would end the quoted text of a header that it stands in */
export function quotable(name: string, value: unknown): string {
  const found = text(name, value)
  if (/^[\x20-\x7e]+$/.test(found) && !/["\\]/.test(found)) return found
  throw new TypeError(`${name} must be printable ASCII without quotation marks and backslashes`)
}

/** @throws TypeError if it is no function */
export function functionOf<T>(name: string, value: T): T {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function`)
  return value
}

/** @throws TypeError if it is no object that has these functions */
export function withFunctions<T>(name: string, value: T, functions: readonly (keyof T & string)[]): T {
  const found = objectOf(name, value)
  for (const one of functions) functionOf(`${name}.${one}`, found[one])
  return value
}

/** @throws TypeError if it is no object */
export function objectOf<T>(name: string, value: T): T & object {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${name} must be an object`)
  return value
}
