import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** What of the environment a program of Node needs to start as this one did, and no setting. */
export const nodeEnv: NodeJS.ProcessEnv = Object.fromEntries(
  ['PATH', 'LD_LIBRARY_PATH', 'NODE_COMPILE_CACHE', 'NODE_OPTIONS'].map((name) => [name, process.env[name]]),
)

/** Told of every process as soon as it exists, and of the signal that ends it, so that none outlives an early end. */
export type OnSpawn = (child: ChildProcess, signal: NodeJS.Signals) => void

/** Whether the process has ended, or could not even be started. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined
}

/** Resolves when the process has ended, at once if it has already. */
export function ended(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return Promise.resolve()
  return new Promise((resolve) => child.once('exit', () => resolve()))
}

/** How a process ended, for people. */
export function howEnded(child: ChildProcess): string {
  if (child.pid === undefined) return 'could not be started'
  return child.signalCode === null ? `exit code ${child.exitCode}` : `killed by ${child.signalCode}`
}

/**
 * Asks the process to end by `signal`, and kills it if it has not after `patienceMs`.
 *
 * @param harder asked by this signal, with a patience of its own, before it is killed.
 */
export async function end(
  child: ChildProcess,
  signal: NodeJS.Signals,
  patienceMs: number,
  harder?: readonly [signal: NodeJS.Signals, patienceMs: number],
): Promise<void> {
  const gone = ended(child)
  child.kill(signal)
  const timers = [setTimeout(() => child.kill('SIGKILL'), patienceMs + (harder?.[1] ?? 0))]
  if (harder !== undefined) timers.push(setTimeout(() => child.kill(harder[0]), patienceMs))
  await gone
  for (const timer of timers) clearTimeout(timer)
}

/** Ends a process of an earlier run, of which only the number is known. */
export async function endStranger(pid: number, signal: NodeJS.Signals, patienceMs: number): Promise<void> {
  trySignal(pid, signal)
  const deadline = performance.now() + patienceMs
  // Not by signal 0: where nobody collects the dead, as in many containers, they go on taking signals.
  while (commandOf(pid) !== undefined) {
    if (performance.now() > deadline) trySignal(pid, 'SIGKILL')
    await sleep(10)
  }
}

/** The command line of a running process; undefined if there is no such process. */
export function commandOf(pid: number): string | undefined {
  if (!isAlive(pid)) return undefined
  if (existsSync('/proc/self/cmdline')) {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') || undefined
    } catch {
      return undefined
    }
  }
  const { stdout } = spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' })
  return stdout.trim() || undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended by itself.
  }
}

// Reads "INT 1234" and "gone 1234" lines until the pipe ends, as it does however its writer ends.
const GUARD = `
list=
while read -r word pid; do
  if [ "$word" = gone ]; then
    kept=
    for entry in $list; do [ "\${entry#*:}" = "$pid" ] || kept="$kept $entry"; done
    list=$kept
  else
    list="$list $word:$pid"
  fi
done
for entry in $list; do kill -"\${entry%%:*}" "\${entry#*:}" 2>/dev/null; done`

/** A shell that ends our children should we be killed and not come to it ourselves. */
export class Guard {
  readonly #shell = spawn('/bin/sh', ['-c', GUARD], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })

  constructor() {
    this.#shell.on('error', () => undefined)
    // Should the guard itself be killed, writing to it is no error of ours.
    this.#shell.stdin.on('error', () => undefined)
    this.#shell.unref()
  }

  watch(child: ChildProcess, signal: NodeJS.Signals): void {
    if (hasEnded(child)) return
    this.#shell.stdin.write(`${signal.replace('SIG', '')} ${child.pid}\n`)
    child.once('exit', () => this.#shell.stdin.write(`gone ${child.pid}\n`))
  }
}

/** Calls back once, when the process that started this one is gone. */
export function onParentGone(callback: () => void): void {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    callback()
  }, 200)
  timer.unref()
}
