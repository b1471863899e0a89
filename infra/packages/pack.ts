import { existsSync, globSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../dev/places.ts'
import { runProgram } from '../dev/run-program.ts'
import { StopError } from '../dev/stop-error.ts'

/** The packages that other projects install, each with those of ours that it needs. */
export const PACKAGES = {
  schemas: [],
  'token-verifier': ['schemas'],
  'test-kit': ['schemas'],
  client: [],
} as const satisfies Record<string, readonly string[]>

export type PackageName = keyof typeof PACKAGES

export function isPackageName(name: string): name is PackageName {
  return Object.hasOwn(PACKAGES, name)
}

/**
 * Builds packages and packs them as a registry would have them, with those of ours that they need.
 *
 * @param folder for `portcullis-<name>.tgz`, an absolute path; made if need be.
 * @returns names of what was packed.
 * @throws StopError if a package cannot be built.
 */
export async function pack(names: readonly PackageName[], folder: string): Promise<string[]> {
  const all = [...new Set<string>(names.flatMap((name) => [...PACKAGES[name], name]))]
  await run('tsc', ['--build', ...all.map((name) => `packages/${name}`)])
  for (const name of all) dropOldOutput(join(root, 'packages', name))
  mkdirSync(folder, { recursive: true })
  const filters = all.map((name) => `--filter=@portcullis/${name}`)
  await run('pnpm', ['--silent', ...filters, 'pack', '--out', join(folder, '%s.tgz')])
  return all
}

/** What earlier builds have left of sources that are gone. */
function dropOldOutput(folder: string): void {
  for (const file of globSync('dist/**/*.{js,d.ts,map}', { cwd: folder })) {
    const source = file.replace(/^dist/, 'src').replace(/\.(?:d\.ts|js)(?:\.map)?$/, '.ts')
    if (!existsSync(join(folder, source))) rmSync(join(folder, file))
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const own = join(root, 'node_modules/.bin', program)
  const { code, text, errors } = await runProgram(existsSync(own) ? own : program, args)
  if (code !== 0) throw new StopError(`${program} ${args.join(' ')} failed:\n${`${text}\n${errors}`.trim()}`)
}
