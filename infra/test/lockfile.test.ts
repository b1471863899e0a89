import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { parseAllDocuments } from 'yaml'
import { root } from '../dev/places.ts'

const Lockfile = Compile(
  Type.Object({
    packages: Type.Record(
      Type.String(),
      Type.Object({
        os: Type.Optional(Type.Array(Type.String())),
        cpu: Type.Optional(Type.Array(Type.String())),
      }),
    ),
    snapshots: Type.Record(
      Type.String(),
      Type.Object({ optionalDependencies: Type.Optional(Type.Record(Type.String(), Type.String())) }),
    ),
  }),
)
const PLATFORMS = ['linux x64', 'linux arm64', 'darwin x64', 'darwin arm64']

t.test('what is native is locked for Linux and macOS, on both kinds of processors', async (t) => {
  const documents = parseAllDocuments(readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8'))
  const locked = documents.map((document) => document.toJS()).filter((value) => Lockfile.Check(value))
  const native = locked.flatMap(({ packages, snapshots }) =>
    Object.entries(snapshots).flatMap(([name, { optionalDependencies = {} }]) => {
      const parts = Object.entries(optionalDependencies).flatMap(([part, version]) => {
        const { os = [], cpu = [] } = packages[`${part}@${version}`] ?? {}
        return os.flatMap((system) => cpu.map((processor) => `${system} ${processor}`))
      })
      return parts.length === 0 ? [] : [{ name, parts }]
    }),
  )
  t.ok(
    native.some(({ name }) => name.startsWith('@node-rs/bcrypt@')),
    'bcrypt is native',
  )
  for (const { name, parts } of native)
    t.strictSame(
      PLATFORMS.filter((platform) => !parts.includes(platform)),
      [],
      name,
    )
})
