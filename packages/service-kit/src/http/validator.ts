import AjvCompiler from '@fastify/ajv-compiler'
import { isDateTime, isEmail, isText } from '@portcullis/schemas'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const COMMON = {
  removeAdditional: false,
  useDefaults: true,
  allErrors: true,
  strict: false,
  // They are TypeBox's; to check them, Ajv would compile the schema of schemas at every start.
  validateSchema: false,
} as const

/**
 * Validators for requests: unknown fields are refused rather than dropped, all fields at fault are found (the
 * body parser bounds how many there can be), and only what arrives as text, which is parameters and headers,
 * is turned into numbers and booleans. A repeated parameter is an array and fits no scalar.
 */
export function validatorFactory(): AjvCompiler.BuildCompilerFromPool {
  const factory = AjvCompiler.AjvCompiler()
  return (schemas) => {
    const compile = (coerceTypes: boolean) =>
      factory(schemas, {
        customOptions: { ...COMMON, coerceTypes },
        onCreate(ajv) {
          ajv.addFormat('text', isText)
          ajv.addFormat('uuid', UUID)
          ajv.addFormat('date-time', isDateTime)
          ajv.addFormat('email', isEmail)
        },
      })
    const body = shared(compile(false))
    const text = shared(compile(true))
    // What is typed as the schema is in truth the route's part: { schema, method, url, httpPart }.
    return (part) =>
      typeof part === 'object' && 'httpPart' in part && part['httpPart'] === 'body' ? body(part) : text(part)
  }
}

type Compiler = ReturnType<AjvCompiler.BuildCompilerFromPool>

/** Parts of routes that are described alike, as headers and paging are, share one validator. */
function shared(compile: Compiler): Compiler {
  const made = new Map<string, ReturnType<Compiler>>()
  return (part) => {
    const key = JSON.stringify(typeof part === 'object' && 'schema' in part ? part['schema'] : part)
    const validator = made.get(key) ?? compile(part)
    made.set(key, validator)
    return validator
  }
}
