import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { untilAnswered } from '../dev/answers.ts'
import { root } from '../dev/places.ts'
import { end } from '../dev/processes.ts'

/** A server under measurement. */
export interface Server {
  readonly url: string
  readonly pid: number
  /** From the start of the process until it was ready, in milliseconds. */
  readonly startMs: number
  /** CPU time that the process has taken so far, in microseconds, by the kernel's account. */
  cpuMicros(): number
  /** Resident memory, in MiB. */
  rssMib(): number
  stop(): Promise<void>
}

const hasTaskset = spawnSync('taskset', ['--version']).status === 0
const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100

/** The processors of a server: one, which it has for itself, or all, one of which it shares with the load. */
export const processors = { one: '0', all: `0-${cpus().length - 1}` } as const

/** Keeps this process, which makes the load, to the second processor. Whether that could be done. */
export function pinLoad(): boolean {
  return hasTaskset && spawnSync('taskset', ['-acp', '1', String(process.pid)]).status === 0
}

/**
 * Starts a program that serves HTTP, and waits until it is ready.
 *
 * @param file below the checkout
 */
export async function startServer(
  file: string,
  port: number,
  env: NodeJS.ProcessEnv,
  { on = 'one', args = [] }: { on?: keyof typeof processors; args?: readonly string[] } = {},
): Promise<Server> {
  const command = [...(hasTaskset ? ['taskset', '-c', processors[on]] : []), process.execPath, ...args, file]
  const began = performance.now()
  const child = spawn(command[0] ?? process.execPath, command.slice(1), {
    cwd: root,
    // Compiled code and joined packages are kept on a laptop, and not in production.
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: '',
      NODE_OPTIONS: '',
      NODE_ENV: 'production',
      ...env,
      PORT: String(port),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `http://127.0.0.1:${port}`
  await untilAnswered({ name: file, child }, `${url}/health/ready`, { everyMs: 5 })
  const pid = child.pid ?? 0
  return {
    url,
    pid,
    startMs: performance.now() - began,
    cpuMicros: () => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')
      return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6
    },
    rssMib: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024,
    stop: () => end(child, 'SIGTERM', 5000),
  }
}
