import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { homeFolder } from '../dev/places.ts'
import { onParentGone } from '../dev/processes.ts'
import { complain, say, since } from '../dev/screen.ts'
import { messageOf, StopError } from '../dev/stop-error.ts'
import { isPackageName, pack, PACKAGES, type PackageName } from './pack.ts'

/** `npm run pack [-- --to FOLDER] [-- NAME…]`: packages as files that npm installs, with those that they need. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { to: { type: 'string' } }, allowPositionals: true })
  const names: string[] = positionals.length > 0 ? positionals : Object.keys(PACKAGES)
  const chosen: PackageName[] = names.filter(isPackageName)
  if (chosen.length < names.length)
    throw new StopError(`npm run pack knows ${Object.keys(PACKAGES).join(', ')}; not ${names.join(', ')}`)
  const began = performance.now()
  const folder = values.to === undefined ? homeFolder('packages') : resolve(values.to)
  const packed = await pack(chosen, folder)
  for (const name of packed) say('packed', `${folder}/portcullis-${name}.tgz`)
  say('ready', `after ${since(began)}; install them together: npm install ${folder}/portcullis-*.tgz`)
}

onParentGone(() => process.exit(1))
try {
  await main()
} catch (error) {
  complain('failed', messageOf(error))
  process.exitCode = 1
}
