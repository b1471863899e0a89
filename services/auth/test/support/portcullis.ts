import { execFile } from 'node:child_process'
import { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { runProgram } from '../../src/cli/program.ts'
import type { TestAuth } from './auth.ts'

const PROGRAM = [
  process.execPath,
  '--conditions=@portcullis/source',
  fileURLToPath(new URL('../../src/cli/portcullis.ts', import.meta.url)),
]

export interface Run {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A run that has not ended yet. */
export interface Running {
  readonly ended: Promise<Run>
  readonly kill: (signal: NodeJS.Signals) => void
}

export type Env = Readonly<Record<string, string | undefined>>

export interface RunOptions {
  /** What stands on standard input. */
  readonly stdin?: Readable
  /** Whether standard error is a terminal. */
  readonly isTTY?: boolean
}

/** Settings of the instance, with some of them changed or left out. */
function settingsOf(auth: Pick<TestAuth, 'env'>, env: Env): Record<string, string> {
  const settings = Object.entries({ ...auth.env, ...env })
  return Object.fromEntries(settings.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

/** Runs a command of `portcullis` on the stores of the test, in this process. */
export async function runPortcullis(
  auth: Pick<TestAuth, 'env'>,
  args: readonly string[],
  env: Env = {},
  { stdin = Readable.from([]), isTTY = false }: RunOptions = {},
): Promise<Run> {
  const [out, err] = [new Collector(), new Collector()]
  const stderr = Object.assign(err, { isTTY })
  const code = await runProgram(args, { env: settingsOf(auth, env), stdin, stdout: out, stderr })
  return { code, out: out.text, err: err.text }
}

/** The same as an operator does it: as a process of its own. */
export function spawnPortcullis(
  auth: Pick<TestAuth, 'env'>,
  args: readonly string[],
  env: Env = {},
): Promise<Run> {
  return launchPortcullis(auth, args, env).ended
}

/** The same, for who does something meanwhile. */
export function launchPortcullis(
  auth: Pick<TestAuth, 'env'>,
  args: readonly string[],
  env: Env = {},
): Running {
  return launch(auth, [...PROGRAM, ...args], env)
}

/** The same, with a standard output that is a file opened for reading, so that no answer can be written. */
export function spawnIntoReadOnly(
  auth: Pick<TestAuth, 'env'>,
  args: readonly string[],
  file: string,
): Promise<Run> {
  return launch(auth, ['sh', '-c', 'exec "$@" 1< "$0"', file, ...PROGRAM, ...args], {}).ended
}

function launch(auth: Pick<TestAuth, 'env'>, [command = '', ...args]: readonly string[], env: Env): Running {
  const { promise: ended, resolve } = Promise.withResolvers<Run>()
  const child = execFile(
    command,
    args,
    { env: { PATH: process.env['PATH'], ...settingsOf(auth, env) } },
    (_error, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
  )
  return { ended, kill: (signal) => child.kill(signal) }
}

class Collector extends Writable {
  text = ''
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}
