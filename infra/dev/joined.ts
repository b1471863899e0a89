import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build, stop } from 'esbuild'
import { homeFolder, root } from './places.ts'

/** Names by which packages are imported that consist of hundreds of modules, all of which are loaded with the first. */
const JOINED = ['kysely', 'typebox', 'typebox/compile', 'typebox/format', 'typebox/schema', 'typebox/value']

/**
 * Joins the modules of these packages into one file each, for the many processes of a test run: to find and to load
 * their 940 modules is a sixth of what a test file costs.
 *
 * @returns the option of Node that has a process load them there, where it is the project's own code that asks.
 */
export async function joinPackages(): Promise<string> {
  const folder = homeFolder('joined')
  const files = JOINED.map((name) => ({ in: name, out: name.replace('/', '-') }))
  const { outputFiles } = await build({
    absWorkingDir: join(root, 'packages/service-kit'),
    entryPoints: files,
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    write: false,
  })
  await stop()
  for (const { path, contents } of outputFiles) replace(path, contents)
  const places = files.map(({ in: name, out }) => [name, join(folder, `${out}.mjs`)])
  return `--import=data:text/javascript,${encodeURIComponent(`
    import { registerHooks } from 'node:module'
    import { pathToFileURL } from 'node:url'
    const places = new Map(${JSON.stringify(places)})
    const own = pathToFileURL(${JSON.stringify(`${root}/`)}).href
    registerHooks({
      resolve(name, context, next) {
        const place = context.parentURL?.startsWith(own) ? places.get(name) : undefined
        return place === undefined ? next(name, context) : { url: pathToFileURL(place).href, shortCircuit: true }
      },
    })`)}`
}

/** Leaves a file alone that has these contents, and that another run may be reading. */
function replace(path: string, contents: Uint8Array): void {
  if (existsSync(path) && readFileSync(path).equals(contents)) return
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.${process.pid}`, contents)
  renameSync(`${path}.${process.pid}`, path)
}
