import { isBuiltin } from 'node:module'
import { dirname, join, normalize } from 'node:path'
import { parseSync, Visitor, type Expression, type SpreadElement } from 'oxc-parser'

/** The workspace packages that each may import; `infra` may import every one. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'packages/schemas': [],
  'packages/token-verifier': ['schemas'],
  'packages/service-kit': ['schemas', 'token-verifier'],
  'packages/test-kit': ['schemas'],
  'packages/client': ['schemas'],
  'services/auth': ['schemas', 'service-kit', 'token-verifier'],
  'services/content': ['schemas', 'service-kit', 'token-verifier'],
}

/** What may not be imported from elsewhere, by the folder that it holds for. */
const MAY_NOT_IMPORT: Readonly<Record<string, { readonly what: RegExp; readonly because: string }>> = {
  'packages/schemas/src': { what: /^(?!typebox(?:\/|$))/, because: 'schemas imports typebox only' },
  'services/content': {
    what: /argon2|^fast-jwt|bcrypt|^jose/,
    because: 'content knows no signer and no argon2',
  },
}

/** What of its own package a folder may not import. */
const MAY_NOT_REACH: Readonly<Record<string, { readonly folder: string; readonly because: string }>> = {
  'services/auth/src/cli': {
    folder: 'services/auth/src/features',
    because: 'what features and commands share is in a folder of its noun',
  },
}

export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/**
 * The import rules of the workspace, broken by one source file.
 *
 * @param file path from the root, such as `services/auth/src/app.ts`.
 * @param manifest of the package that the file belongs to.
 * @returns a sentence for each import that is not allowed.
 */
export function importViolations(file: string, source: string, manifest: Manifest): string[] {
  const home = file
    .split('/')
    .slice(0, file.startsWith('infra/') ? 1 : 2)
    .join('/')
  const violations = importsOf(file, source).map((name) => {
    if (name === undefined) return 'an import whose name is computed cannot be checked'
    return name.startsWith('.')
      ? relativeViolation(file, home, name)
      : packageViolation(file, home, name, manifest)
  })
  return violations.filter((violation) => violation !== undefined).map((violation) => `${file}: ${violation}`)
}

/** Names of what is imported; undefined for one that is computed. */
function importsOf(file: string, source: string): (string | undefined)[] {
  const { module, program } = parseSync(file, source)
  const names: (string | undefined)[] = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap((entry) => entry.moduleRequest?.value ?? []),
    ),
  ]
  const note = (node: Expression | SpreadElement | undefined) =>
    names.push(node?.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined)
  new Visitor({
    ImportExpression: ({ source: name }) => note(name),
    CallExpression: ({ callee, arguments: [name] }) => {
      if (callee.type === 'Identifier' && callee.name === 'require') note(name)
    },
  }).visit(program)
  return [...new Set(names)]
}

function relativeViolation(file: string, home: string, name: string): string | undefined {
  const target = normalize(join(dirname(file), name))
  for (const [from, { folder, because }] of Object.entries(MAY_NOT_REACH)) {
    if (file.startsWith(`${from}/`) && target.startsWith(`${folder}/`)) return `${name}: ${because}`
  }
  if (home === 'infra' || target.startsWith(`${home}/`)) return undefined
  return `${name} leaves the package: import it by the package's name, if it may be imported at all`
}

function packageViolation(file: string, home: string, name: string, manifest: Manifest): string | undefined {
  for (const [folder, { what, because }] of Object.entries(MAY_NOT_IMPORT)) {
    if (file.startsWith(`${folder}/`) && what.test(name)) return `${name}: ${because}`
  }
  if (isBuiltin(name)) return undefined
  const packageName = name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
  const isTest = !file.startsWith(`${home}/src/`)
  if (packageName.startsWith('@portcullis/') && home !== 'infra') {
    const other = packageName.slice('@portcullis/'.length)
    if (home === `packages/${other}`) return undefined
    const allowed = [...(MAY_IMPORT[home] ?? []), ...(isTest ? ['test-kit', home.split('/')[1]] : [])]
    if (!allowed.includes(other)) return `${home} may not import ${packageName}`
    if (home.endsWith(`/${other}`)) return undefined
  }
  const { dependencies, peerDependencies, devDependencies } = manifest
  const declared = { ...dependencies, ...peerDependencies, ...(isTest && devDependencies) }
  // The tools of tests and builds are dependencies of the root.
  if (packageName in declared || (isTest && ['tap', 'fast-check', 'esbuild'].includes(packageName)))
    return undefined
  return `${packageName} is no dependency of ${home}`
}
