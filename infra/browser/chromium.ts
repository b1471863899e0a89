import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type BrowserContext } from 'playwright-core'
import { StopError } from '../dev/stop-error.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']
/** It is asked to do nothing but what the test asks of it. */
const ARGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * Path of the Chromium to use: that of `CHROMIUM`, else the first on PATH.
 *
 * @throws StopError if there is none.
 */
export function findChromium(): string {
  const found = process.env['CHROMIUM'] || onPath()
  if (found) return found
  throw new StopError('there is no Chromium on PATH: apt-get install chromium, or name one by CHROMIUM')
}

function onPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** @param profile an empty folder */
export function launch(path: string, profile: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, {
    executablePath: path,
    headless: true,
    chromiumSandbox: false,
    args: ARGS,
    viewport: { width: 1280, height: 900 },
    // The page is for people of every language; what it formats is compared with nothing.
    locale: 'en-GB',
  })
}
