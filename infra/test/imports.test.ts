import t from 'tap'
import { suppressionViolations, topLevelViolations } from '../check/conventions.ts'
import { importViolations } from '../check/imports.ts'

const manifest = {
  dependencies: {
    fastify: '5',
    '@portcullis/schemas': 'workspace:*',
    '@node-rs/argon2': '2',
    'fast-jwt': '6',
  },
  devDependencies: { '@portcullis/test-kit': 'workspace:*', '@types/pg': '8' },
}

t.test('an import that a rule of the workspace forbids is found, however it is written', async (t) => {
  const forbidden: [file: string, source: string][] = [
    ['packages/service-kit/src/a.ts', `import { b } from '@portcullis/auth'`],
    ['packages/service-kit/src/a.ts', `import { b } from '../../../services/auth/src/app.ts'`],
    ['packages/service-kit/src/a.ts', `import { b } from '../../schemas/src/index.ts'`],
    ['packages/token-verifier/src/a.ts', `import { b } from '@portcullis/service-kit'`],
    ['packages/schemas/src/a.ts', `import { b } from 'node:crypto'`],
    ['packages/schemas/src/a.ts', `import { b } from 'fastify'`],
    ['services/auth/src/a.ts', `import { b } from '@portcullis/content'`],
    ['services/auth/src/a.ts', `import { b } from '../../content/src/app.ts'`],
    ['services/auth/src/a.ts', `import '../../content/src/app.ts'`],
    ['services/auth/src/a.ts', `export * from '../../content/src/app.ts'`],
    ['services/auth/src/a.ts', `import type {\n  B,\n  C,\n} from '../../content/src/app.ts'`],
    ['services/auth/src/a.ts', `const b = await import('../../content/src/app.ts')`],
    ['services/auth/src/a.ts', `const b = require('../../content/src/app.ts')`],
    ['services/auth/src/a.ts', `const b = await import(name)`],
    ['services/auth/src/a.ts', `import { b } from '@portcullis/test-kit'`],
    ['services/auth/src/a.ts', `import { b } from '@portcullis/infra'`],
    ['services/auth/test/a.test.ts', `import { b } from '@portcullis/content'`],
    ['services/auth/src/a.ts', `import lodash from 'lodash'`],
    ['services/auth/src/cli/a.ts', `import { b } from '../features/users/b.ts'`],
    ['services/auth/src/cli/doctor/a.ts', `import { b } from '../../features/users/b.ts'`],
    ['services/content/src/a.ts', `import { hash } from '@node-rs/argon2'`],
    ['services/content/src/a.ts', `import { createSigner } from 'fast-jwt'`],
  ]
  for (const [file, source] of forbidden) {
    t.equal(importViolations(file, source, manifest).length, 1, `${file}: ${source}`)
  }
})

t.test('an import that the rules allow is left alone', async (t) => {
  const allowed: [file: string, source: string][] = [
    [
      'packages/schemas/src/a.ts',
      `import { Type } from 'typebox'\nimport { Compile } from 'typebox/compile'`,
    ],
    ['packages/schemas/src/a.ts', `import { b } from './b.ts'`],
    ['services/auth/src/a.ts', `import { b } from '@portcullis/schemas'`],
    ['services/auth/src/features/login/a.ts', `import { b } from '../../database/b.ts'`],
    ['services/auth/src/cli/a.ts', `import { b } from '../users/b.ts'`],
    ['services/auth/src/a.ts', `import { readFile } from 'node:fs/promises'`],
    ['services/auth/src/a.ts', `import fastify, { type FastifyInstance } from 'fastify'`],
    ['services/auth/src/a.ts', `// import { b } from '../../content/src/app.ts'\n * import('x')`],
    ['services/auth/test/a.test.ts', `import t from 'tap'\nimport { b } from '@portcullis/test-kit'`],
    ['services/auth/test/a.test.ts', `import { build } from '../src/app.ts'`],
    ['packages/test-kit/test/a.test.ts', `import { b } from '@portcullis/test-kit'`],
    ['packages/service-kit/src/a.ts', `import { b } from '@portcullis/service-kit/tracing-sdk'`],
    ['infra/test/a.test.ts', `import { b } from '../../services/auth/src/config.ts'`],
    ['infra/build/a.ts', `import { build } from 'esbuild'`],
  ]
  const declared = {
    dependencies: { ...manifest.dependencies, typebox: '1' },
    devDependencies: manifest.devDependencies,
  }
  for (const [file, source] of allowed) t.strictSame(importViolations(file, source, declared), [], source)
})

t.test('a suppression without a reason is found, and one with a reason is not', async (t) => {
  const rule = 'oxlint-disable-next-line typescript/no-explicit-any'
  t.equal(suppressionViolations('a.ts', `\n// ${rule}\n`).length, 1)
  const other = '@ts-expect-error'
  t.equal(suppressionViolations('a.ts', `// ${other}\n`).length, 1)
  t.strictSame(suppressionViolations('a.ts', `// ${rule} -- the library says so\n`), [])
})

t.test('the top level holds nothing that was not decided upon', async (t) => {
  t.strictSame(topLevelViolations(['services', 'README.md', '.git', 'node_modules']), [])
  t.equal(topLevelViolations(['services', 'utils']).length, 1)
})
