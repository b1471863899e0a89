import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'
import t from 'tap'

/** Every module that a bundler would take along, by its URL, with what it imports. */
async function collect(url: string, seen: Map<string, string[]>): Promise<void> {
  if (seen.has(url)) return
  const { module } = parseSync(fileURLToPath(url), await readFile(new URL(url), 'utf8'))
  const exported = module.staticExports.flatMap(({ entries }) => entries)
  const names = [
    ...module.staticImports
      .filter(({ entries }) => entries.length === 0 || entries.some((entry) => !entry.isType))
      .map(({ moduleRequest }) => moduleRequest.value),
    ...exported
      .filter((entry) => !entry.isType && entry.moduleRequest !== null)
      .map((entry) => entry.moduleRequest?.value ?? ''),
  ]
  seen.set(url, names)
  t.strictSame(module.dynamicImports, [], 'nothing is imported by a name that is computed')
  for (const name of names) {
    if (isBuiltin(name)) continue
    const next = name.startsWith('.') ? new URL(name, url).href : import.meta.resolve(name)
    await collect(next, seen)
  }
}

t.test('nothing of Node is imported, neither here nor by a dependency', async (t) => {
  const seen = new Map<string, string[]>()
  await collect(import.meta.resolve('@portcullis/client'), seen)
  const names = [...seen.values()].flat()
  t.ok(names.includes('openapi-fetch'))
  t.ok([...seen.keys()].some((url) => url.endsWith('/session.ts')))
  t.strictSame(names.filter(isBuiltin), [])
})
