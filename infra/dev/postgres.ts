import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { commandOf, end, ended, endStranger, hasEnded } from './processes.ts'
import { postgresFolder } from './postgres-files.ts'
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
  readonly onSpawn?: (child: ChildProcess, signal: NodeJS.Signals) => void
}

export interface Postgres {
  readonly child: ChildProcess
  /** With the superuser, on the database `postgres`. */
  readonly adminUrl: string
  /** Disconnects everybody and writes a checkpoint. */
  readonly stop: () => Promise<void>
}

/** A user without rights anywhere, under whom root runs PostgreSQL, which refuses root. */
const NOBODY = 65_534
const START_PATIENCE_MS = 20_000
const STOP_PATIENCE_MS = 700

/**
 * Starts a real PostgreSQL, on 127.0.0.1 alone. Ends what an earlier run left behind on the same data, and
 * recovers the data if that run was killed.
 *
 * @throws StopError if it does not start; the message ends with the server's last words.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const account = accountFor(options.folder)
  const programs = join(postgresFolder(account.foreign), 'bin')
  if (existsSync(join(options.folder, 'PG_VERSION'))) await endLeftover(options.folder)
  else await initialise(programs, options, account)

  const adminUrl = `postgres://postgres:${encodeURIComponent(options.password)}@127.0.0.1:${options.port}/postgres`
  const deadline = performance.now() + START_PATIENCE_MS
  for (;;) {
    const child = launch(programs, options, account)
    options.onSpawn?.(child, 'SIGINT')
    const words = await untilReady(child, adminUrl, options.log, deadline)
    if (words === undefined) return { child, adminUrl, stop: () => end(child, 'SIGINT', STOP_PATIENCE_MS) }
    // The children of a server that was killed hold its memory for a moment longer than it lived.
    if (!words.includes('shared memory block') || performance.now() > deadline) {
      throw new StopError(`PostgreSQL does not start:\n${words}`)
    }
    await sleep(100)
  }
}

interface Account {
  /** Whether PostgreSQL runs under another user than we. */
  readonly foreign: boolean
  readonly ids: { uid?: number; gid?: number }
  /** How the folder of the data is called by a process that works in it. */
  path(folder: string): string
}

function accountFor(folder: string): Account {
  if (process.getuid?.() !== 0) return { foreign: false, ids: {}, path: (data) => data }
  if (process.platform !== 'linux')
    throw new StopError('PostgreSQL does not run as root: start it as another user')
  const owner = statSync(folder, { throwIfNoEntry: false })?.uid
  const uid = owner === undefined || owner === 0 ? NOBODY : owner
  // By this name a process reaches its folder even where it may not enter the folders above, such as a home.
  return { foreign: true, ids: { uid, gid: NOBODY }, path: () => '/proc/self/cwd' }
}

/** Makes the data beside their place and moves them there when they are whole. */
async function initialise(programs: string, options: PostgresOptions, account: Account): Promise<void> {
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

function launch(
  programs: string,
  { folder, port, log, settings }: PostgresOptions,
  account: Account,
): ChildProcess {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...settings,
  }
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const output = openSync(log, 'a', 0o600)
  const child = spawn(join(programs, 'postgres'), ['-D', account.path(folder), ...flags], {
    ...account.ids,
    cwd: folder,
    // Out of reach of the terminal's Ctrl-C: it ends when we say so, after those who use it.
    detached: true,
    env: { LC_ALL: 'C' },
    stdio: ['ignore', output, output],
  })
  child.on('error', () => undefined)
  closeSync(output)
  return child
}

/** Undefined when it answers; else its last words. */
async function untilReady(
  child: ChildProcess,
  url: string,
  log: string,
  deadline: number,
): Promise<string | undefined> {
  const from = statSync(log).size
  while (!hasEnded(child)) {
    if (await answers(url)) return undefined
    if (performance.now() > deadline) {
      await end(child, 'SIGINT', STOP_PATIENCE_MS)
      return `no answer after ${START_PATIENCE_MS / 1000} s\n${lastWords(log, from)}`
    }
    await sleep(20)
  }
  return lastWords(log, from)
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

function lastWords(log: string, from: number): string {
  return readFileSync(log).subarray(from).toString().trim().split('\n').slice(-8).join('\n')
}

/** The server of a run that was killed still runs and holds the data. */
async function endLeftover(folder: string): Promise<void> {
  const file = join(folder, 'postmaster.pid')
  if (!existsSync(file)) return
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10)
  const isPostgres = Number.isSafeInteger(pid) && pid > 1 && commandOf(pid)?.includes('postgres') === true
  if (isPostgres) await endStranger(pid, 'SIGINT', 5000)
  else rmSync(file, { force: true })
}
