import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chownSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { lastWords } from './last-words.ts'
import { ended, type OnSpawn } from './processes.ts'
import { StopError } from './stop-error.ts'

export interface PostgresOptions {
  /** Folder of the data; made at the first start. Its parent must exist. */
  readonly folder: string
  readonly port: number
  /** Of the superuser `postgres`, set when the data are made. */
  readonly password: string
  /** File that the server's log is appended to. */
  readonly log: string
  /** Settings of the server, such as `{ fsync: 'off' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** Called with every process as soon as it exists, so that nothing outlives an early end. */
  readonly onSpawn?: OnSpawn
}

/** A user without rights anywhere, under whom root runs PostgreSQL, which refuses root. */
const NOBODY = 65_534
export interface Account {
  /** Whether PostgreSQL runs under another user than we. */
  readonly foreign: boolean
  readonly ids: { uid?: number; gid?: number }
  /** How the folder of the data is called by a process that works in it. */
  path(folder: string): string
}

/** The user whom PostgreSQL runs as: the owner of the data, if we are root. */
export function accountFor(folder: string): Account {
  if (process.getuid?.() !== 0) return { foreign: false, ids: {}, path: (data) => data }
  if (process.platform !== 'linux')
    throw new StopError('PostgreSQL does not run as root: start it as another user')
  const owner = statSync(folder, { throwIfNoEntry: false })?.uid
  const uid = owner === undefined || owner === 0 ? NOBODY : owner
  // By this name a process reaches its folder even where it may not enter the folders above, such as a home.
  return { foreign: true, ids: { uid, gid: NOBODY }, path: () => '/proc/self/cwd' }
}

/** Makes the data beside their place and moves them there when they are whole. */
export async function initialise(
  programs: string,
  options: PostgresOptions,
  account: Account,
): Promise<void> {
  const { password, log } = options
  const folder = `${options.folder}.new`
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { mode: 0o700 })
  const { uid = -1, gid = -1 } = account.ids
  chownSync(folder, uid, gid)
  const input = passwordInput(`${folder}.${randomBytes(4).toString('hex')}`, password, uid, gid)
  const output = openSync(log, 'a', 0o600)
  const from = fstatSync(output).size
  const args = [
    `--pgdata=${account.path(folder)}`,
    '--username=postgres',
    '--pwfile=/dev/stdin',
    '--auth=scram-sha-256',
  ]
  args.push(
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-sync',
  )
  const child = spawn(join(programs, 'initdb'), args, {
    ...account.ids,
    cwd: folder,
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    detached: true,
    stdio: [input, output, output],
  })
  child.on('error', () => undefined)
  options.onSpawn?.(child, 'SIGKILL')
  await ended(child)
  closeSync(input)
  closeSync(output)
  if (child.exitCode !== 0) throw new StopError(`PostgreSQL cannot make its data:\n${lastWords(log, from)}`)
  rmSync(options.folder, { recursive: true, force: true })
  renameSync(folder, options.folder)
}

/** The password as a standard input that can be opened again by name, as initdb does; never a file with a name. */
function passwordInput(file: string, password: string, uid: number, gid: number): number {
  writeFileSync(file, `${password}\n`, { mode: 0o600, flag: 'wx' })
  chownSync(file, uid, gid)
  const descriptor = openSync(file, 'r')
  unlinkSync(file)
  return descriptor
}
