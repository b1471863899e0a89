import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import colors from 'picocolors'
import { readArguments } from '../dev/arguments.ts'
import { startFreshPair } from '../dev/fresh-pair.ts'
import { Guard } from '../dev/processes.ts'
import { runMain } from '../dev/run-main.ts'
import { say, since } from '../dev/screen.ts'
import { messageOf } from '../dev/stop-error.ts'
import { cases, type Stage } from './cases.ts'
import { findChromium, launch } from './chromium.ts'

/** The pages in a Chromium, used as people do. Screenshots go to the folder. */
async function main(screenshots: string | undefined): Promise<number> {
  const program = findChromium()
  if (screenshots !== undefined) mkdirSync(screenshots, { recursive: true })
  const profile = mkdtempSync(join(tmpdir(), 'portcullis-browser-'))
  const pair = await startFreshPair('browser', new Guard())
  try {
    const context = await launch(program, profile)
    say('browser', `${program} ${context.browser()?.version() ?? ''}`)
    const failures = await runAll({ context, pair, screenshots })
    await context.close()
    return failures === 0 ? 0 : 1
  } finally {
    await pair.stop()
    rmSync(profile, { recursive: true, force: true })
  }
}

/** How many cases failed. */
async function runAll(stage: Stage): Promise<number> {
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
  return failures
}

const [folder] = readArguments('npm run browser -- [FOLDER]', {}, { most: 1 }).positionals
await runMain(() => main(folder === undefined ? undefined : resolve(folder)))
