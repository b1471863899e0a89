import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build, stop, type Plugin } from 'esbuild'

// Nothing else of infra is imported here: the image is built where there is only this folder of it.
const root = resolve(import.meta.dirname, '../..')

/** What production starts, by service. */
const PROGRAMS = {
  auth: ['src/server.ts', 'src/cli/portcullis.ts'],
  content: ['src/server.ts'],
} as const

/** What is loaded out of node_modules, where a service finds it because it is a dependency of its own. */
const OUTSIDE = [
  // Native code.
  '@node-rs/argon2',
  '@node-rs/bcrypt',
  // OpenTelemetry instruments these when they are required, and is itself loaded only where traces are wanted.
  'pg',
  'ioredis',
  '@portcullis/service-kit/tracing-sdk',
]

/** CommonJS in the bundle requires what is outside as service-kit would, which depends on all that needs it. */
const REQUIRE = [
  `const { createRequire: requireOf } = process.getBuiltinModule('node:module')`,
  `const require = requireOf(requireOf(import.meta.url).resolve('@portcullis/service-kit'));`,
].join(';')

/** @fastify/swagger-ui sends files that lie beside its code: from the bundle it looks them up where they are. */
export const swaggerUiFiles: Plugin = {
  name: 'files of @fastify/swagger-ui',
  setup: (bundler) => {
    bundler.onLoad({ filter: /@fastify[\\/]swagger-ui[\\/](?:index|lib[\\/]routes)\.js$/ }, ({ path }) => {
      const below = path.endsWith('index.js') ? '' : 'lib'
      const folder = `path.join(path.dirname((({ resolve }) => resolve('@fastify/swagger-ui'))(require)), '${below}')`
      return { contents: readFileSync(path, 'utf8').replaceAll('__dirname', folder) }
    })
  },
}

/**
 * Makes of both services what production runs: in `dist` each program, with all that it imports joined into a few
 * files. The compiler looks at everything before.
 *
 * @throws if something does not compile or is not found.
 */
export async function buildServices(): Promise<void> {
  const folders = Object.keys(PROGRAMS).map((name) => `services/${name}`)
  const { status } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['--build', ...folders], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error('the services do not compile')
  for (const [name, programs] of Object.entries(PROGRAMS)) await bundle(name, programs)
  // Otherwise it would wait for more beside whatever is measured next.
  await stop()
}

async function bundle(name: string, programs: readonly string[]): Promise<void> {
  const folder = join(root, 'services', name)
  // Their names change with what they hold.
  rmSync(join(folder, 'dist/chunks'), { recursive: true, force: true })
  await build({
    absWorkingDir: folder,
    entryPoints: [...programs],
    outbase: 'src',
    outdir: 'dist',
    // As deep as the programs' own folders, so that a path beside the code leads to the same place from both.
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    conditions: ['@portcullis/source'],
    external: OUTSIDE,
    plugins: [swaggerUiFiles],
    banner: { js: REQUIRE },
    // The text of what runs stays in memory. Names are kept, for stack traces.
    minifySyntax: true,
    minifyWhitespace: true,
    charset: 'ascii',
    legalComments: 'linked',
    // For whoever starts with --enable-source-maps.
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'warning',
  })
}
