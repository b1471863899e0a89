import AjvCompiler from '@fastify/ajv-compiler'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { isDateTime, isEmail, isText } from '@portcullis/schemas'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const OPTIONS = {
  removeAdditional: false,
  useDefaults: true,
  // Ajv would take `0x5`, `1e1` and ` 5` for whole numbers, too.
  coerceTypes: false,
  allErrors: true,
  strict: false,
  // They are TypeBox's; to check them, Ajv would compile the schema of schemas at every start.
  validateSchema: false,
} as const

/**
 * Validators for requests: unknown fields are refused rather than dropped, all fields at fault are found (the
 * body parser bounds how many there can be), and only what arrives as text, which is parameters and headers,
 * is turned into numbers. A repeated parameter is an array and fits no scalar.
 */
export function validatorFactory(): AjvCompiler.BuildCompilerFromPool {
  const factory = AjvCompiler.AjvCompiler()
  return (schemas) => {
    const compile = factory(schemas, {
      customOptions: OPTIONS,
      onCreate(ajv) {
        ajv.addFormat('text', isText)
        ajv.addFormat('uuid', UUID)
        ajv.addFormat('date-time', isDateTime)
        ajv.addFormat('email', isEmail)
      },
    })
    const body = shared(compile)
    const text = shared((part) => readingNumbers(compile(part), part))
    // What is typed as the schema is in truth the route's part: { schema, method, url, httpPart }.
    return (part) =>
      typeof part === 'object' && 'httpPart' in part && part['httpPart'] === 'body' ? body(part) : text(part)
  }
}

type Compiler = ReturnType<AjvCompiler.BuildCompilerFromPool>
type Validator = ReturnType<Compiler>

/** How numbers are written: whole ones by their digits, others as in JSON. */
const WRITTEN = new Map<unknown, RegExp>([
  ['integer', /^(?:0|-?[1-9]\d*)$/],
  ['number', /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/i],
])
const Part = Compile(
  Type.Object({
    schema: Type.Object({
      properties: Type.Record(Type.String(), Type.Object({ type: Type.Optional(Type.Unknown()) })),
    }),
  }),
)

interface NumberInText {
  readonly name: string
  readonly written: RegExp
}

/** Reads the numbers that the schema asks for. A text that is none stays as it is, and is of a wrong type. */
function readingNumbers(validate: Validator, part: unknown): Validator {
  const properties = Part.Check(part) ? Object.entries(part.schema.properties) : []
  const numbers = properties.flatMap(([name, { type }]): NumberInText[] => {
    const written = WRITTEN.get(type)
    return written === undefined ? [] : [{ name, written }]
  })
  if (numbers.length === 0) return validate
  return new Proxy(validate, {
    apply(target, self: unknown, args: unknown[]): unknown {
      readNumbers(args[0], numbers)
      return Reflect.apply(target, self, args)
    },
  })
}

function readNumbers(texts: unknown, numbers: readonly NumberInText[]): void {
  if (typeof texts !== 'object' || texts === null) return
  for (const { name, written } of numbers) {
    const text: unknown = Reflect.get(texts, name)
    if (typeof text === 'string' && written.test(text)) Reflect.set(texts, name, Number(text))
  }
}

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
