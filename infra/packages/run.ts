import { resolve } from 'node:path'
import { readArguments, refuse } from '../dev/arguments.ts'
import { homeFolder } from '../dev/places.ts'
import { onParentGone } from '../dev/processes.ts'
import { complain, say, since } from '../dev/screen.ts'
import { messageOf } from '../dev/stop-error.ts'
import { installCommand } from './install-command.ts'
import { isPackageName, pack, PACKAGES, type PackageName } from './pack.ts'

/** Packages as files that npm installs, with those that they need. */
const USAGE = 'npm run pack -- [--to FOLDER] [NAME …]'
const { values, positionals } = readArguments(USAGE, { to: { type: 'string' } }, { most: Infinity })
for (const name of positionals)
  if (!isPackageName(name)) refuse(USAGE, `There are ${Object.keys(PACKAGES).join(', ')}; not '${name}'`)

async function main(): Promise<void> {
  const names: readonly string[] = positionals.length > 0 ? positionals : Object.keys(PACKAGES)
  const chosen: PackageName[] = names.filter(isPackageName)
  const began = performance.now()
  const folder = values.to === undefined ? homeFolder('packages') : resolve(values.to)
  const packed = await pack(chosen, folder)
  for (const name of packed) say('packed', `${folder}/portcullis-${name}.tgz`)
  say('ready', `after ${since(began)}; install them together: ${installCommand(folder)}`)
}

onParentGone(() => process.exit(1))
try {
  await main()
} catch (error) {
  complain('failed', messageOf(error))
  process.exitCode = 1
}
