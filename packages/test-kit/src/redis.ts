import { spawn, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import type { Teardown } from './teardown.ts'

/** A Redis server of its own, without persistence: whatever ends it, it comes back empty. */
export interface TestRedis {
  readonly port: number
  /** URL of one of its 16 logical databases. */
  url(db?: number): string
  /** Ends it without a farewell, as a crash would. */
  kill(): Promise<void>
  /** Starts it again, empty, on the same port; ends it before if it still runs. */
  restart(): Promise<void>
  /** Freezes it: connections stay open and nothing is answered. */
  pause(): void
  resume(): void
}

export interface RedisOptions {
  /** Default: a free one. */
  port?: number
  /** More arguments of the command line, such as `['--requirepass', 'secret']`. */
  args?: readonly string[]
  /** Path of a configuration file, which Sentinel needs to write to; made if it is not there. */
  config?: string
}

// The shell holds the server on a leash: when this process is gone, however it ended, its standard input
// closes and the server is killed. When the server is gone, the shell ends too. The number of the process is told by the
// process itself before it becomes the server, so that it comes before anything that the server says.
const LEASH = [
  'exec 3<&0',
  `sh -c 'echo "pid $$"; exec "$@"' sh "$@" </dev/null 3<&- & server=$!`,
  '(cat <&3; kill -9 "$server") >/dev/null 2>&1 & leash=$!',
  'exec 3<&-; wait "$server"; kill "$leash"',
].join('\n')
const ATTEMPTS = 5

/**
 * Starts a Redis server that ends with the test. The binary is `TEST_REDIS_SERVER`, else `redis-server` or
 * `valkey-server` on PATH.
 *
 * @throws Error if there is none, or it does not start; the message ends with what it printed.
 */
export async function startRedis(t: Teardown, options: RedisOptions = {}): Promise<TestRedis> {
  let running = await launchOnFreePort(options)
  const { port } = running
  const kill = async () => {
    if (running.exited()) return
    running.signal('SIGKILL')
    await running.exit
  }
  t.teardown(kill)
  return {
    port,
    url: (db = 0) => `redis://127.0.0.1:${port}/${db}`,
    kill,
    restart: async () => {
      await kill()
      running = await launch(port, options)
    },
    pause: () => running.signal('SIGSTOP'),
    resume: () => running.signal('SIGCONT'),
  }
}

interface Running {
  port: number
  exit: Promise<void>
  exited(): boolean
  signal(name: NodeJS.Signals): void
}

async function launchOnFreePort(options: RedisOptions): Promise<Running> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch(options.port ?? (await freePort()), options)
    } catch (error) {
      // Another process may have taken the port meanwhile.
      if (attempt === ATTEMPTS || options.port !== undefined) throw error
    }
  }
}

async function launch(port: number, { args = [], config }: RedisOptions): Promise<Running> {
  if (config !== undefined) writeFileSync(config, '', { flag: 'a' })
  const flags = [
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    tmpdir(),
    // What lies there is of somebody else.
    '--dbfilename',
    `redis-${port}.rdb`,
  ]
  const server = [...(config === undefined ? [] : [config]), ...flags, ...args]
  const configured = process.env['TEST_REDIS_SERVER']
  const find = 'command -v redis-server || command -v valkey-server || echo redis-server'
  const script = configured ? LEASH : `set -- "$(${find})" "$@"\n${LEASH}`
  const command = configured ? [configured, ...server] : server
  const leash = spawn('/bin/sh', ['-c', script, 'sh', ...command], { stdio: ['pipe', 'pipe', 'pipe'] })
  let gone = false
  const exit = new Promise<void>((resolve) => {
    leash.once('exit', () => {
      gone = true
      leash.stdin.end()
      resolve()
    })
  })
  const pid = await ready(leash)
  return {
    port,
    exit,
    exited: () => gone,
    signal: (name) => {
      if (!gone) process.kill(pid, name)
    },
  }
}

/** The server's pid, once it accepts connections. */
function ready(leash: ChildProcess): Promise<number> {
  const printed: string[] = []
  return new Promise((resolve, reject) => {
    let pid = 0
    const fail = (reason: string) =>
      reject(new Error(`Redis did not start (${reason})\n${printed.slice(-10).join('\n')}`))
    leash.once('error', (error) => fail(error.message))
    leash.once('close', () => fail('it ended'))
    for (const stream of [leash.stdout, leash.stderr]) {
      if (!stream) continue
      createInterface({ input: stream }).on('line', (line) => {
        printed.push(line)
        const announced = /^pid (\d+)$/.exec(line)
        if (announced) pid = Number(announced[1])
        // Never 0, which names every process of the group.
        if (pid > 0 && /Ready to accept connections|Sentinel ID is/.test(line)) resolve(pid)
      })
    }
  })
}

/** A TCP port on 127.0.0.1 that nobody listened on a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port)
        else reject(new Error('no port was given'))
      })
    })
  })
}
