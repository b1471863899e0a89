import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import colors from 'picocolors'
import { readArguments } from '../dev/arguments.ts'
import { startFreshPair } from '../dev/fresh-pair.ts'
import { Guard, onParentGone } from '../dev/processes.ts'
import { complain, say, since } from '../dev/screen.ts'
import { messageOf } from '../dev/stop-error.ts'
import { cases, type Stage } from './cases.ts'
import { findChromium, launch } from './chromium.ts'

/** The pages in a Chromium, used as people do. Screenshots go to the folder. */
async function main(screenshots: string | undefined): Promise<boolean> {
  const program = findChromium()
  if (screenshots !== undefined) mkdirSync(screenshots, { recursive: true })
  const profile = mkdtempSync(join(tmpdir(), 'portcullis-browser-'))
  const pair = await startFreshPair('browser', new Guard())
  try {
    const context = await launch(program, profile)
    say('browser', `${program} ${context.browser()?.version() ?? ''}`)
    const isRight = await runAll({ context, pair, screenshots })
    await context.close()
    return isRight
  } finally {
    await pair.stop()
    rmSync(profile, { recursive: true, force: true })
  }
}

async function runAll(stage: Stage): Promise<boolean> {
  let failures = 0
  for (const { title, run } of cases) {
    const began = performance.now()
    try {
      await run(stage)
      console.log(`${colors.green('✓')} ${title} ${colors.dim(since(began))}`)
    } catch (error) {
      failures += 1
      console.log(`${colors.red('✗')} ${title}\n${messageOf(error)}`)
    }
  }
  return failures === 0
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))
onParentGone(() => process.exit(1))
const [folder] = readArguments('npm run browser -- [FOLDER]', {}, { most: 1 }).positionals
try {
  process.exitCode = (await main(folder === undefined ? undefined : resolve(folder))) ? 0 : 1
} catch (error) {
  complain('failed', messageOf(error))
  process.exitCode = 1
}
process.exit()
