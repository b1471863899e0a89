import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as apps from 'kubernetes-models/apps/v1'
import * as batch from 'kubernetes-models/batch/v1'
import * as networking from 'kubernetes-models/networking.k8s.io/v1'
import * as policy from 'kubernetes-models/policy/v1'
import * as core from 'kubernetes-models/v1'
import t from 'tap'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '@portcullis/service-kit'
import { ConfigSchema as AuthConfigSchema } from '../../services/auth/src/config.ts'
import { ConfigSchema as ContentConfigSchema } from '../../services/content/src/config.ts'
import { root } from '../dev/places.ts'

const folder = join(root, 'infra/kubernetes')

interface Model {
  validate(): void
}

/** Models of Kubernetes' own schemas, which refuse what the API would refuse. */
const MODELS: Readonly<Record<string, (data: never) => Model>> = {
  'v1/Service': (data) => new core.Service(data),
  'v1/Namespace': (data) => new core.Namespace(data),
  'apps/v1/Deployment': (data) => new apps.Deployment(data),
  'batch/v1/Job': (data) => new batch.Job(data),
  'policy/v1/PodDisruptionBudget': (data) => new policy.PodDisruptionBudget(data),
  'networking.k8s.io/v1/NetworkPolicy': (data) => new networking.NetworkPolicy(data),
  'networking.k8s.io/v1/Ingress': (data) => new networking.Ingress(data),
}

const Named = Type.Object({
  apiVersion: Type.String(),
  kind: Type.String(),
  metadata: Type.Object({ name: Type.String() }),
})
const isNamed = Compile(Named)

const objects = globSync('{base,overlays/*}/*.yaml', { cwd: folder })
  .filter((file) => !file.endsWith('kustomization.yaml'))
  .flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => {
      const value: unknown = document.toJS()
      if (document.errors.length > 0 || !isNamed.Check(value)) throw new Error(`${file} holds no objects`)
      return { file, value }
    }),
  )

t.test('every object is one that Kubernetes takes', async (t) => {
  t.ok(objects.length >= 10)
  for (const { file, value } of objects) {
    const model = MODELS[`${value.apiVersion}/${value.kind}`]
    t.ok(model, `${file}: ${value.kind}`)
    t.doesNotThrow(() => model?.(value as never).validate(), `${file}: ${value.kind} ${value.metadata.name}`)
  }
  const broken = {
    ...objects.find(({ value }) => value.kind === 'Deployment')?.value,
    spec: { replicas: 'two' },
  }
  t.throws(() => MODELS['apps/v1/Deployment']?.(broken as never).validate())
})

const Container = Type.Object({
  name: Type.String(),
  image: Type.String(),
  env: Type.Array(Type.Object({ name: Type.String(), value: Type.String() })),
  securityContext: Type.Object({
    allowPrivilegeEscalation: Type.Literal(false),
    readOnlyRootFilesystem: Type.Literal(true),
    capabilities: Type.Object({ drop: Type.Tuple([Type.Literal('ALL')]) }),
  }),
})
const Workload = Type.Object({
  metadata: Type.Object({ name: Type.String() }),
  spec: Type.Object({
    template: Type.Object({
      spec: Type.Object({
        automountServiceAccountToken: Type.Literal(false),
        securityContext: Type.Object({ runAsNonRoot: Type.Literal(true) }),
        containers: Type.Array(Container, { minItems: 1 }),
        volumes: Type.Array(
          Type.Object({ secret: Type.Optional(Type.Object({ secretName: Type.String() })) }),
        ),
      }),
    }),
  }),
})
const isWorkload = Compile(Workload)

const workloads = objects
  .filter(({ value }) => value.kind === 'Deployment' || value.kind === 'Job')
  .map(({ value }): Static<typeof Workload> => {
    if (!isWorkload.Check(value)) throw new Error(`${value.metadata.name} may do more than it has to`)
    return value
  })

t.test('no container is root, may write to its file system, or has a capability', async (t) => {
  t.strictSame(workloads.map(({ metadata }) => metadata.name).toSorted(), ['auth', 'content', 'setup'])
})

const Kustomization = Compile(
  Type.Object({
    resources: Type.Array(Type.String()),
    secretGenerator: Type.Optional(
      Type.Array(Type.Object({ name: Type.String(), files: Type.Array(Type.String()) })),
    ),
    configMapGenerator: Type.Array(Type.Object({ name: Type.String(), literals: Type.Array(Type.String()) })),
  }),
)
const kustomization = (path: string) => Kustomization.Parse(parse(readFileSync(join(folder, path), 'utf8')))
const base = kustomization('base/kustomization.yaml')
const overlay = kustomization('overlays/example/kustomization.yaml')

t.test('every file is part of the base or the overlay', async (t) => {
  for (const { file } of objects) {
    const resources = file.startsWith('base/') ? base.resources : overlay.resources
    t.ok(resources.includes(file.split('/').at(-1) ?? ''), file)
  }
})

t.test('each file that a setting names is made from a secret, and none is made in vain', async (t) => {
  for (const { metadata, spec } of workloads) {
    const { containers, volumes } = spec.template.spec
    const secretName = volumes.find(({ secret }) => secret)?.secret?.secretName
    const generated = overlay.secretGenerator?.find(({ name }) => name === secretName)?.files ?? []
    const named = containers.flatMap(({ env }) => env.filter(({ name }) => name.endsWith('_FILE')))
    t.strictSame(
      new Set(named.map(({ value }) => value.replace('/run/portcullis/', ''))),
      new Set(generated.map((file) => file.split('/').at(-1))),
      metadata.name,
    )
  }
})

t.test('auth is given the sealing key and the one before, of which an empty file is none', async (t) => {
  const auth = workloads.find(({ metadata }) => metadata.name === 'auth')?.spec.template.spec.containers[0]
  const { KEY_ENCRYPTION_KEY, KEY_ENCRYPTION_KEY_PREVIOUS } = AuthConfigSchema.properties
  const schema = Type.Object({ KEY_ENCRYPTION_KEY, KEY_ENCRYPTION_KEY_PREVIOUS })
  const [key, previous] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64'))
  const read = (files: Readonly<Record<string, string>>) => {
    const mounted = t.testdir(files)
    const env = auth?.env.filter(({ name }) => name.startsWith('KEY_ENCRYPTION_KEY')) ?? []
    const entries = env.map(({ name, value }) => [name, value.replace('/run/portcullis', mounted)])
    return loadConfig(schema, Object.fromEntries(entries))
  }
  t.strictSame(read({ key_encryption_key: `${key}\n`, key_encryption_key_previous: '' }), {
    KEY_ENCRYPTION_KEY: key,
  })
  t.strictSame(read({ key_encryption_key: `${key}\n`, key_encryption_key_previous: `${previous}\n` }), {
    KEY_ENCRYPTION_KEY: key,
    KEY_ENCRYPTION_KEY_PREVIOUS: previous,
  })
})

t.test('each service is given every setting that it needs, and none that it does not know', async (t) => {
  const shared = [...base.configMapGenerator, ...overlay.configMapGenerator].flatMap(({ literals }) =>
    literals.map((literal) => literal.split('=', 1)[0] ?? ''),
  )
  for (const [service, schema] of [
    ['auth', AuthConfigSchema],
    ['content', ContentConfigSchema],
  ] as const) {
    const container = workloads.find(({ metadata }) => metadata.name === service)?.spec.template.spec
      .containers[0]
    const own = container?.env.map(({ name }) => name.replace(/_FILE$/, '')) ?? []
    const given = new Set([...shared, ...own])
    for (const name of given) t.ok(Object.hasOwn(schema.properties, name), `${service}: ${name}`)
    for (const [name, property] of Object.entries(schema.properties))
      if (!Type.IsOptional(property) && !('default' in property)) t.ok(given.has(name), `${service}: ${name}`)
  }
})
