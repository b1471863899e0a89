/** Files and folders of the top level, which grows by decision only; names with a dot are not looked at. */
const TOP_LEVEL: ReadonlySet<string> = new Set([
  'services',
  'packages',
  'migrations',
  'infra',
  'docs',
  'docker-compose.yml',
  'package.json',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  'tsconfig.base.json',
  'node_modules',
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'LICENSE',
])

/** @param names what the root folder holds. */
export function topLevelViolations(names: readonly string[]): string[] {
  return names
    .filter((name) => !name.startsWith('.') && !TOP_LEVEL.has(name))
    .map((name) => `${name}: does not belong to the top level`)
}

const SUPPRESSION = /(?:ox|es)lint-disable|@ts-(?:expect-error|ignore|nocheck)|prettier-ignore/

/** Suppressions of a rule without a reason, which stands behind ` -- `. */
export function suppressionViolations(file: string, source: string): string[] {
  return source.split('\n').flatMap((line, index) => {
    const comment = /(?:\/\/|\/\*).*$/.exec(line)?.[0] ?? ''
    const isBare = SUPPRESSION.test(comment) && !/ -- \S+ \S+/.test(comment)
    return isBare ? [`${file}:${index + 1}: a suppression needs its reason behind " -- "`] : []
  })
}
