import { resolve } from 'node:path'
import { readArguments, refuse } from '../dev/arguments.ts'
import { homeFolder } from '../dev/places.ts'
import { runMain } from '../dev/run-main.ts'
import { say, since } from '../dev/screen.ts'
import { installCommand } from './install-command.ts'
import { isPackageName, pack, PACKAGES, type PackageName } from './pack.ts'

/** Packages as files that npm installs, with those that they need. */
const USAGE = 'npm run pack -- [--to FOLDER] [NAME …]'
const { values, positionals } = readArguments(USAGE, { to: { type: 'string' } }, { most: Infinity })
for (const name of positionals)
  if (!isPackageName(name)) refuse(USAGE, `There are ${Object.keys(PACKAGES).join(', ')}; not '${name}'`)

async function main(): Promise<number> {
  const names: readonly string[] = positionals.length > 0 ? positionals : Object.keys(PACKAGES)
  const chosen: PackageName[] = names.filter(isPackageName)
  const began = performance.now()
  const folder = values.to === undefined ? homeFolder('packages') : resolve(values.to)
  const packed = await pack(chosen, folder)
  for (const name of packed) say('packed', `${folder}/portcullis-${name}.tgz`)
  say('ready', `after ${since(began)}; install them together: ${installCommand(folder)}`)
  return 0
}

await runMain(main)
