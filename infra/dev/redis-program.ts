import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { hasApt, libraryPath, unpackDebianPackages } from '../bootstrap/debian.cjs'
import { busy } from '../bootstrap/screen.cjs'
import { programs } from './places.ts'
import { StopError } from './stop-error.ts'

export interface RedisProgram {
  /** Starts the server when run, with its usual arguments. */
  readonly path: string
  /** Such as `7.0.15`. */
  readonly version: string
}

/** The first that has all that the revocation log uses (`PXAT`). */
const OLDEST = [6, 2] as const

/**
 * A server that speaks Redis's protocol: valkey-server or redis-server on PATH, else Debian's, which is unpacked
 * into `.portcullis/` and needs no root.
 *
 * @throws StopError that names the one command that installs it.
 */
export async function findRedis(): Promise<RedisProgram> {
  for (const path of candidates()) {
    const version = versionOf(path)
    if (version !== undefined) return { path, version }
  }
  if (!hasApt())
    throw new StopError(`there is no Redis here: ${advice()}, or set REDIS_URL to one of your own`)
  try {
    const path = await fetchFromDebian()
    return { path, version: versionOf(path) ?? 'unknown' }
  } catch (error) {
    const reason = error instanceof Error ? error.message : ''
    throw new StopError(`Redis could not be fetched from Debian: ${advice()}, or set REDIS_URL\n${reason}`)
  }
}

function candidates(): string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const onPath = ['valkey-server', 'redis-server'].flatMap((name) =>
    folders.map((folder) => join(folder, name)),
  )
  return [...onPath, unpacked()].filter((file) => existsSync(file))
}

function unpacked(): string {
  return join(programs, 'redis-server')
}

function advice(): string {
  if (process.platform === 'darwin') return 'install it by `brew install redis`'
  if (process.platform === 'win32') return 'run this in WSL, after `sudo apt-get install redis-server`'
  return 'install it by `apt-get install redis-server` (or your system’s package of that name)'
}

/** Undefined if it does not run here or is too old. */
function versionOf(path: string): string | undefined {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  const match = / v=(\d+)\.(\d+)(\S*)/.exec(stdout ?? '')
  if (match === null) return undefined
  const [major, minor] = [Number(match[1]), Number(match[2])]
  const isNewEnough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
  return isNewEnough ? `${major}.${minor}${match[3]}` : undefined
}

async function fetchFromDebian(): Promise<string> {
  const folder = join(programs, 'redis')
  await busy('Fetching Debian’s Redis into .portcullis/ (once)', () =>
    unpackDebianPackages(['redis-server', 'redis-tools'], folder),
  )
  const libraries = `${quote(libraryPath(folder))}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}`
  const script = `#!/bin/sh\nLD_LIBRARY_PATH=${libraries} exec ${quote(join(folder, 'usr/bin/redis-server'))} "$@"\n`
  writeFileSync(unpacked(), script)
  chmodSync(unpacked(), 0o755)
  return unpacked()
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
