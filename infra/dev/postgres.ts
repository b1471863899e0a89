import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { lastWords } from './last-words.ts'
import { accountFor, initialise, type Account, type PostgresOptions } from './postgres-data.ts'
import { postgresFolder } from './postgres-files.ts'
import { commandOf, end, endStranger, hasEnded } from './processes.ts'
import { StopError } from './stop-error.ts'

export interface Postgres {
  readonly child: ChildProcess
  /** With the superuser, on the database `postgres`. */
  readonly adminUrl: string
  /** Disconnects everybody and writes a checkpoint. */
  readonly stop: () => Promise<void>
}

const START_PATIENCE_MS = 20_000
/** It first writes what is only in memory; what takes too long, the next start recovers from the log. */
const stop = (child: ChildProcess) => end(child, 'SIGINT', 500, ['SIGQUIT', 300])

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
    if (words === undefined) return { child, adminUrl, stop: () => stop(child) }
    // The children of a server that was killed hold its memory for a moment longer than it lived.
    if (!words.includes('shared memory block') || performance.now() > deadline) {
      throw new StopError(`PostgreSQL does not start:\n${words}`)
    }
    await sleep(100)
  }
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
    // Without the values that a constraint has refused, which are emails.
    log_error_verbosity: 'terse',
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
      await stop(child)
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

/** The server of a run that was killed still runs and holds the data. */
async function endLeftover(folder: string): Promise<void> {
  const file = join(folder, 'postmaster.pid')
  if (!existsSync(file)) return
  const [firstLine = '', , , port = ''] = readFileSync(file, 'utf8').split('\n')
  const pid = Number.parseInt(firstLine, 10)
  // After a restart of the machine the number may be another program's, also another server's.
  const command = Number.isSafeInteger(pid) && pid > 1 ? (commandOf(pid) ?? '') : ''
  if (/^\d+$/.test(port) && command.includes('postgres') && command.includes(`port=${port}`))
    await endStranger(pid, 'SIGINT', 5000)
  else rmSync(file, { force: true })
}
