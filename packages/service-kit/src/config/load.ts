import { readFileSync } from 'node:fs'
import { Type, type Static, type TObject, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { whatIsWrongWith } from './formats.ts'

/** The environment does not fit the schema. `errors` names every setting at fault, never its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly errors: readonly string[]

  constructor(errors: readonly string[]) {
    super(`configuration: ${errors.join('; ')}`)
    this.errors = errors
  }
}

/** What is wrong with settings that are valid each for itself; undefined if nothing is. */
export type SettingsRule = (settings: unknown) => string | undefined

/**
 * A rule about settings that belong together. It is looked at only where each of them is valid for itself.
 *
 * @param wrong the message, beginning with the name of the setting to change
 */
export function settingsRule<T extends TObject>(
  schema: T,
  wrong: (settings: Static<T>) => string | undefined,
): SettingsRule {
  return (settings) => (Value.Check(schema, settings) ? wrong(settings) : undefined)
}

/**
 * Reads a service's settings from its environment.
 *
 * Strings become numbers and booleans where the schema says so, defaults are applied, an empty string or file counts
 * as absent, and `NAME_FILE` is read into `NAME` (the last line break is dropped), as secrets are mounted.
 *
 * @throws {ConfigError} with every setting at fault at once.
 */
export function loadConfig<T extends TObject>(
  schema: T,
  env: NodeJS.ProcessEnv,
  rules: readonly SettingsRule[] = [],
): Static<T> {
  const unread = new Map<string, string>()
  const settings: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties)) {
    const text = textOf(name, env, unread)
    if (text !== undefined) settings[name] = coerce(property, text)
  }

  const config = Value.Default(schema, settings)
  const errors = [...unread.values()]
  // Each by itself: a look at all of them would end after a few errors.
  for (const [name, property] of Object.entries(schema.properties)) {
    if (unread.has(name)) continue
    const value: unknown = Reflect.get(Object(config), name)
    const message = value === undefined ? missing(schema, name) : whatIsWrong(property, value)
    if (message !== undefined) errors.push(`${name} ${message}`)
  }
  for (const rule of rules) {
    const message = rule(config)
    if (message !== undefined) errors.push(message)
  }
  if (errors.length > 0 || !Value.Check(schema, config)) throw new ConfigError([...new Set(errors)])
  return config
}

/** What cannot be read goes to `unread`, by the name of the setting. */
function textOf(name: string, env: NodeJS.ProcessEnv, unread: Map<string, string>): string | undefined {
  const text = env[name] === '' ? undefined : env[name]
  const file = env[`${name}_FILE`]
  if (file === undefined || file === '') return text
  if (text !== undefined) {
    unread.set(name, `${name} and ${name}_FILE are both set`)
    return undefined
  }
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '') || undefined
  } catch {
    unread.set(name, `${name} cannot be read from the file that ${name}_FILE names`)
    return undefined
  }
}

/** What is not a number or a boolean stays a string, which the schema then refuses. */
function coerce(schema: TSchema, text: string): unknown {
  if (Type.IsInteger(schema)) return /^-?\d{1,15}$/.test(text) ? Number(text) : text
  if (Type.IsNumber(schema)) return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text
  if (Type.IsBoolean(schema)) return text === 'true' ? true : text === 'false' ? false : text
  return text
}

function missing(schema: TObject, name: string): string | undefined {
  return schema.required?.includes(name) ? 'is not set' : undefined
}

function whatIsWrong(property: TSchema, value: unknown): string | undefined {
  if (Value.Check(property, value)) return undefined
  const words = wordsOf(property)
  if (words !== undefined) return `must be one of ${words.join(', ')}`
  const [error] = Value.Errors(property, value)
  const meant: unknown = Reflect.get(property, 'description')
  if (error?.keyword === 'pattern' && typeof meant === 'string') return `must be ${meant}`
  if (error?.keyword !== 'format') return error?.message ?? 'is wrong'
  const { format } = error.params
  return whatIsWrongWith(format, value) ?? `is not a valid ${format}`
}

/** What a setting may be that has to be one of several words. */
function wordsOf(schema: TSchema): string[] | undefined {
  if (!Type.IsUnion(schema)) return undefined
  return schema.anyOf.flatMap((option) => (Type.IsLiteral(option) ? [String(option.const)] : []))
}
