import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { hasApt, libraryPath, unpackDebianPackages } from '../bootstrap/debian.cjs'
import { busy } from '../bootstrap/screen.cjs'
import { homeFolder, programs } from './places.ts'

export type ProgramName = 'nginx' | 'caddy' | 'haproxy' | 'promtool' | 'python3' | 'wrk'

export interface Program {
  readonly path: string
  readonly version: string
  /** What it needs besides, to run from where it was unpacked. */
  readonly env: Readonly<Record<string, string>>
}

interface Source {
  /** Debian's package that has it. */
  readonly from: string
  /** The argument by which it tells its version. */
  readonly version: string
  /** With which it then ends; 0 by default. */
  readonly status?: number
}

const PROGRAMS: Readonly<Record<ProgramName, Source>> = {
  nginx: { from: 'nginx', version: '-v' },
  caddy: { from: 'caddy', version: 'version' },
  haproxy: { from: 'haproxy', version: '-v' },
  python3: { from: 'python3', version: '--version' },
  promtool: { from: 'prometheus', version: '--version' },
  wrk: { from: 'wrk', version: '-v', status: 1 },
}

/**
 * A program that the project itself does not bring: on PATH, else Debian's, which is unpacked into `.portcullis/` and
 * needs no root.
 *
 * @returns the reason in plain words if there is none to be had.
 */
export async function findProgram(name: ProgramName): Promise<Program | string> {
  const unpacked = join(programs, name)
  const found = onPath(name) ?? inFolder(name, unpacked)
  if (found) return found
  if (!hasApt()) return `${name} is not installed, and this system has no apt to fetch it by`
  try {
    homeFolder()
    await busy(`Fetching Debian’s ${name} into .portcullis/ (once)`, () =>
      unpackDebianPackages([PROGRAMS[name].from], unpacked),
    )
  } catch (error) {
    return `Debian’s ${name} could not be fetched: ${error instanceof Error ? error.message : ''}`
  }
  return inFolder(name, unpacked) ?? `Debian’s ${name} does not run here`
}

/** The same, if this machine has it. */
export function onPath(name: ProgramName): Program | undefined {
  // Servers lie where only root looks.
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return firstThatRuns(
    name,
    folders.map((folder) => join(folder, name)),
    {},
  )
}

function inFolder(name: ProgramName, folder: string): Program | undefined {
  const paths = [join(folder, 'usr/sbin', name), join(folder, 'usr/bin', name)]
  const libraries = [libraryPath(folder), process.env['LD_LIBRARY_PATH']].filter(Boolean).join(':')
  return firstThatRuns(name, paths, { LD_LIBRARY_PATH: libraries })
}

function firstThatRuns(
  name: ProgramName,
  paths: readonly string[],
  env: Readonly<Record<string, string>>,
): Program | undefined {
  const { version: argument, status: expected = 0 } = PROGRAMS[name]
  for (const path of paths.filter((file) => existsSync(file))) {
    const { status, stdout, stderr } = spawnSync(path, [argument], {
      encoding: 'utf8',
      env: { ...process.env, ...env },
    })
    const version = /\d+\.\d+[.\d]*/.exec(`${stdout}${stderr}`)?.[0]
    if (status === expected && version !== undefined) return { path, version, env }
  }
  return undefined
}
