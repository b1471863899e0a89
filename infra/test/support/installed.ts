import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { root } from '../../dev/places.ts'
import type { PackageName } from '../../packages/pack.ts'

const Manifest = Compile(
  Type.Object({ dependencies: Type.Optional(Type.Record(Type.String(), Type.String())) }),
)

/** Arguments of `env`: tap loads itself into every Node that a test starts, which a program of its own must not see. */
export const unhooked = ['-u', 'NODE_OPTIONS']

/**
 * Does to an empty folder what `npm install` of the packed packages does, without asking a registry: what is in a
 * packed file is unpacked, and what its manifest asks for is there, and nothing else of the workspace.
 *
 * @param others packages of the registry, which are the versions that `infra` has.
 */
export async function install(
  folder: string,
  names: readonly PackageName[],
  others: readonly string[],
): Promise<void> {
  const modules = join(folder, 'node_modules')
  const program = ['--conditions=@portcullis/source', join(root, 'infra/packages/run.ts')]
  execFileSync('env', [...unhooked, process.execPath, ...program, '--to', folder, ...names])
  for (const file of globSync(join(folder, 'portcullis-*.tgz'))) {
    const name = basename(file, '.tgz').replace('portcullis-', '')
    const target = join(modules, '@portcullis', name)
    mkdirSync(target, { recursive: true })
    execFileSync('tar', ['-xzf', file, '--strip-components=1', '-C', target])
    const { dependencies = {} } = Manifest.Parse(
      JSON.parse(await readFile(join(target, 'package.json'), 'utf8')),
    )
    for (const [dependency, version] of Object.entries(dependencies)) {
      if (version.includes(':')) throw new Error(`${name} asks for ${dependency} as ${version}`)
      if (!dependency.startsWith('@portcullis/')) link(modules, dependency, join(root, 'packages', name))
    }
  }
  for (const name of others) link(modules, name, join(root, 'infra'))
}

function link(modules: string, name: string, from: string): void {
  const path = join(modules, name)
  mkdirSync(dirname(path), { recursive: true })
  if (!existsSync(path)) symlinkSync(realpathSync(join(from, 'node_modules', name)), path)
}
