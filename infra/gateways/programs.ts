import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { hasApt, libraryPath, unpackDebianPackages } from '../bootstrap/debian.cjs'
import { busy } from '../bootstrap/screen.cjs'
import { homeFolder, programs } from '../dev/places.ts'

export type GatewayName = 'nginx' | 'caddy' | 'haproxy'

export interface Program {
  readonly path: string
  readonly version: string
  /** What it needs besides, to run from where it was unpacked. */
  readonly env: Readonly<Record<string, string>>
}

const VERSION: Readonly<Record<GatewayName, readonly string[]>> = {
  nginx: ['-v'],
  caddy: ['version'],
  haproxy: ['-v'],
}

/**
 * The gateway's program: on PATH, else Debian's, which is unpacked into `.portcullis/` and needs no root.
 *
 * @returns the reason in plain words if there is none to be had.
 */
export async function findProgram(name: GatewayName): Promise<Program | string> {
  const unpacked = join(programs, name)
  const found = onPath(name) ?? inFolder(name, unpacked)
  if (found) return found
  if (!hasApt()) return `${name} is not installed, and this system has no apt to fetch it by`
  try {
    homeFolder()
    await busy(`Fetching Debian’s ${name} into .portcullis/ (once)`, () =>
      unpackDebianPackages([name], unpacked),
    )
  } catch (error) {
    return `Debian’s ${name} could not be fetched: ${error instanceof Error ? error.message : ''}`
  }
  return inFolder(name, unpacked) ?? `Debian’s ${name} does not run here`
}

function onPath(name: GatewayName): Program | undefined {
  // Servers lie where only root looks.
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return firstThatRuns(
    name,
    folders.map((folder) => join(folder, name)),
    {},
  )
}

function inFolder(name: GatewayName, folder: string): Program | undefined {
  const paths = [join(folder, 'usr/sbin', name), join(folder, 'usr/bin', name)]
  const libraries = [libraryPath(folder), process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':')
  return firstThatRuns(name, paths, { LD_LIBRARY_PATH: libraries })
}

function firstThatRuns(
  name: GatewayName,
  paths: readonly string[],
  env: Readonly<Record<string, string>>,
): Program | undefined {
  for (const path of paths.filter((file) => existsSync(file))) {
    const { status, stdout, stderr } = spawnSync(path, VERSION[name], {
      encoding: 'utf8',
      env: { ...process.env, ...env },
    })
    const version = /\d+\.\d+[.\d]*/.exec(`${stdout}${stderr}`)?.[0]
    if (status === 0 && version !== undefined) return { path, version, env }
  }
  return undefined
}
