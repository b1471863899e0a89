import { readFileSync } from 'node:fs'
import { Type, type Static, type TObject, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import './formats.ts'

/** The environment does not fit the schema. `errors` names every setting at fault, never its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly errors: readonly string[]

  constructor(errors: readonly string[]) {
    super(`configuration: ${errors.join('; ')}`)
    this.errors = errors
  }
}

/**
 * Reads a service's settings from its environment.
 *
 * Strings become numbers and booleans where the schema says so, defaults are applied, an empty string counts
 * as absent, and `NAME_FILE` is read into `NAME` (the last line break is dropped), as secrets are mounted.
 *
 * @throws {ConfigError} with every setting at fault at once.
 */
export function loadConfig<T extends TObject>(schema: T, env: NodeJS.ProcessEnv): Static<T> {
  const errors: string[] = []
  const settings: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties)) {
    const text = textOf(name, env, errors)
    if (text !== undefined) settings[name] = coerce(property, text)
  }

  const config = Value.Default(schema, settings)
  const failed = new Set(errors.map((error) => error.split(' ', 1)[0]))
  for (const error of Value.Errors(schema, config)) {
    for (const [name, message] of describe(error)) {
      if (!failed.has(name)) errors.push(`${name} ${message}`)
    }
  }
  if (errors.length > 0 || !Value.Check(schema, config)) throw new ConfigError([...new Set(errors)])
  return config
}

function textOf(name: string, env: NodeJS.ProcessEnv, errors: string[]): string | undefined {
  const text = env[name] === '' ? undefined : env[name]
  const file = env[`${name}_FILE`]
  if (file === undefined || file === '') return text
  if (text !== undefined) {
    errors.push(`${name} and ${name}_FILE are both set`)
    return undefined
  }
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch {
    errors.push(`${name} cannot be read from the file that ${name}_FILE names`)
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

function describe(error: ReturnType<typeof Value.Errors>[number]): [name: string, message: string][] {
  if (error.keyword === 'required')
    return error.params.requiredProperties.map((name): [string, string] => [name, 'is not set'])
  const name = error.instancePath.split('/')[1]
  if (name === undefined) return []
  if (error.keyword === 'format') return [[name, `is not a valid ${error.params.format}`]]
  return [[name, error.message]]
}
