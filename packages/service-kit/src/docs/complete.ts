import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { PROBLEMS, type ProblemCode } from '@portcullis/schemas'
import { isProblemCode, problem, problemDocument } from '../problems/problem.ts'
import { PROBLEM_CODES } from '../problems/responses.ts'
import { HEADERS, PARAMETERS } from './headers.ts'

const MediaSchema = Type.Object({
  schema: Type.Optional(Type.Object({ $ref: Type.Optional(Type.String()) })),
  example: Type.Optional(Type.Unknown()),
  examples: Type.Optional(Type.Unknown()),
})
const ContentSchema = Type.Record(Type.String(), MediaSchema)
const ResponseSchema = Type.Object({
  description: Type.String(),
  headers: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  content: Type.Optional(ContentSchema),
})
const OperationSchema = Type.Object({
  parameters: Type.Optional(
    Type.Array(
      Type.Object({
        in: Type.Optional(Type.String()),
        name: Type.Optional(Type.String()),
        $ref: Type.Optional(Type.String()),
        required: Type.Optional(Type.Boolean()),
        example: Type.Optional(Type.Unknown()),
      }),
    ),
  ),
  requestBody: Type.Optional(
    Type.Object({ required: Type.Optional(Type.Boolean()), content: ContentSchema }),
  ),
  responses: Type.Record(Type.String(), ResponseSchema),
  security: Type.Optional(Type.Array(Type.Record(Type.String(), Type.Unknown()))),
  tags: Type.Optional(Type.Array(Type.String())),
  [PROBLEM_CODES]: Type.Optional(Type.Array(Type.String())),
})
const Components = Type.Record(Type.String(), Type.Unknown())
const Document = Compile(
  Type.Object({
    paths: Type.Record(Type.String(), Type.Record(Type.String(), OperationSchema)),
    tags: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))),
    components: Type.Object({
      schemas: Components,
      securitySchemes: Components,
      examples: Type.Optional(Components),
      headers: Type.Optional(Components),
      parameters: Type.Optional(Components),
    }),
  }),
)
type Operation = Static<typeof OperationSchema>
type Response = Static<typeof ResponseSchema>
type Media = Static<typeof MediaSchema>

/** Base of the `type` in examples, which is that of `npm start`: the document is the same for every issuer. */
const EXAMPLE_ISSUER = 'http://localhost:8080'
const EXAMPLE_INSTANCE = '8f5e04a9-8219-4735-a61f-881b9695dfed'

/**
 * Adds to an OpenAPI document what follows from what it says already: the problems of each operation with an
 * example each, the headers of its answers, and examples of what goes in and out. Changes the document.
 */
export function complete(document: unknown): void {
  if (!Document.Check(document)) throw new Error('the OpenAPI document has an unforeseen shape')
  const { components } = document
  const operations = Object.values(document.paths).flatMap((item) => Object.entries(item))
  for (const [method, operation] of operations) {
    const codes = operation[PROBLEM_CODES]?.filter((code) => isProblemCode(code)) ?? []
    delete operation[PROBLEM_CODES]
    operation.security ??= []
    for (const parameter of operation.parameters ?? []) {
      spellHeader(parameter)
      // A page to try routes on fills the example in, and nobody asked for it.
      if (parameter.required !== true) delete parameter.example
    }
    addProblems(operation, codes)
    addHeaders(method, operation, codes)
    loosenBody(operation)
    for (const media of mediaOf(operation)) addExample(media, components.schemas)
  }
  const mentions = (name: string) => JSON.stringify(document.paths).includes(`"#/components/${name}"`)
  const mentioned = (kind: string, all: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => mentions(`${kind}/${name}`)))
  components.examples = mentioned('examples', problemExamples())
  components.headers = mentioned('headers', HEADERS)
  components.parameters = mentioned('parameters', PARAMETERS)
  const schemes = new Set(operations.flatMap(([, { security = [] }]) => security.flatMap(Object.keys)))
  components.securitySchemes = Object.fromEntries(
    Object.entries(components.securitySchemes).filter(([name]) => schemes.has(name)),
  )
  const tags = new Set(operations.flatMap(([, operation]) => operation.tags ?? []))
  document.tags = document.tags?.filter(({ name }) => tags.has(name)) ?? []
}

function addProblems({ responses }: Operation, codes: readonly ProblemCode[]): void {
  for (const [status, group] of Map.groupBy(codes, (code) => PROBLEMS[code].status))
    responses[status] = {
      description: group.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('; '),
      content: {
        'application/problem+json': {
          schema: { $ref: '#/components/schemas/Problem' },
          examples: Object.fromEntries(group.map((code) => [code, reference('examples', code)])),
        },
      },
    }
}

function problemExamples(): Record<string, object> {
  const codes = Object.keys(PROBLEMS).filter((code) => isProblemCode(code))
  return Object.fromEntries(
    codes.map((code) => {
      const errors =
        code === 'REQUEST_INVALID'
          ? [{ pointer: '/title', code: 'required', detail: 'is required' }]
          : undefined
      const value = problemDocument(problem(code, errors && { errors }), EXAMPLE_ISSUER, EXAMPLE_INSTANCE)
      return [code, { summary: PROBLEMS[code].title, value }]
    }),
  )
}

function reference(kind: string, name: string): { $ref: string } {
  return { $ref: `#/components/${kind}/${name}` }
}

function addHeaders(method: string, operation: Operation, codes: readonly ProblemCode[]): void {
  const { responses, parameters = [], security = [] } = operation
  const takes = (header: string) => parameters.some(({ name }) => name === header)
  const isRevocation = '202' in responses
  const isOf = (status: string, code: ProblemCode) =>
    codes.includes(code) && PROBLEMS[code].status === Number(status)
  const hasTags = takes('If-Match') || takes('If-None-Match')
  for (const [status, response] of Object.entries(responses)) {
    const isSuccess = status.startsWith('2')
    const add = (...names: (keyof typeof HEADERS)[]) => addTo(response, names)
    if (isSuccess && isRevocation) add('Revocation-Position', 'Revocation-Pending')
    // What is deleted has no version any more.
    const isThere = isSuccess && method !== 'delete'
    if (hasTags && (isThere || status === '304' || status === '412')) add('ETag')
    if (isSuccess && takes('Idempotency-Key')) add('Idempotency-Replayed')
    if (status === '401' || isOf(status, 'AUTH_SCOPE_INSUFFICIENT')) add('WWW-Authenticate')
    if (status === '429' || status === '503' || isOf(status, 'IDEMPOTENCY_KEY_RUNNING')) add('Retry-After')
    if (codes.includes('RATE_LIMITED') && (isSuccess || status === '429'))
      add('RateLimit', 'RateLimit-Policy')
  }
  if (isRevocation) addTo(responses['202'], [], PENDING)
  if (security.some((schemes) => 'bearer' in schemes || 'clientCredentials' in schemes))
    operation.parameters = [...parameters, reference('parameters', 'IfRevocationPosition')]
}

const PENDING = 'As with 200; only that not every verifier has said yet that it knows'

function addTo(response: Response | undefined, names: readonly string[], description?: string): void {
  if (response === undefined) return
  if (description !== undefined) response.description = description
  if (names.length === 0) return
  const added = names.map((name) => [name, reference('headers', name)] as const)
  response.headers = { ...response.headers, ...Object.fromEntries(added) }
}

/** Fastify knows headers in lower case; people read them as the RFCs write them. */
function spellHeader(parameter: { in?: string; name?: string }): void {
  if (parameter.in !== 'header' || parameter.name === undefined) return
  parameter.name = parameter.name.replaceAll(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase())
}

const OptionalBody = Compile(
  Type.Object({
    anyOf: Type.Tuple([Type.Object({ $ref: Type.String() }), Type.Object({ type: Type.Literal('null') })]),
  }),
)

/** A body that may be null is one that may be missing. */
function loosenBody({ requestBody }: Operation): void {
  for (const media of Object.values(requestBody?.content ?? {})) {
    if (requestBody === undefined || !OptionalBody.Check(media.schema)) continue
    media.schema = media.schema.anyOf[0]
    requestBody.required = false
  }
}

function mediaOf({ requestBody, responses }: Operation): Media[] {
  return [requestBody, ...Object.values(responses)].flatMap((part) => Object.values(part?.content ?? {}))
}

/** The example of the schema is that of the body, too. */
function addExample(media: Media, schemas: Readonly<Record<string, unknown>>): void {
  const name = media.schema?.$ref?.split('/').at(-1)
  if (name === undefined || media.example !== undefined || media.examples !== undefined) return
  const examples: unknown = Reflect.get(Object(schemas[name]), 'examples')
  if (Array.isArray(examples)) media.example = examples[0]
}
