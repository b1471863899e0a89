import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { lastWords } from './last-words.ts'
import { end, hasEnded, type OnSpawn } from './processes.ts'
import { reasonOf, StopError } from './stop-error.ts'

export interface RedisServerOptions {
  /** The server's program. */
  readonly program: string
  /** Folder of the data, made if need be. */
  readonly folder: string
  readonly port: number
  readonly password: string
  /** File that the server's log is appended to. */
  readonly log: string
  /** Called with the process as soon as it exists, so that it does not outlive an early end. */
  readonly onSpawn?: OnSpawn
}

export interface RedisServer {
  readonly child: ChildProcess
  /** Without a logical database. */
  readonly url: string
  readonly stop: () => Promise<void>
}

const START_PATIENCE_MS = 10_000
const STOP_PATIENCE_MS = 700

/**
 * Starts Redis on 127.0.0.1 alone, append-only and never evicting, as the revocation log wants it.
 *
 * @throws StopError if it does not start; the message ends with the server's last words.
 */
export async function startRedis(options: RedisServerOptions): Promise<RedisServer> {
  const { folder, port, password, log } = options
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const from = statSync(log, { throwIfNoEntry: false })?.size ?? 0
  // The settings come by standard input, so that the password stands in no list of processes.
  const child = spawn(options.program, ['-'], {
    cwd: folder,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.on('error', () => undefined)
  child.stdin.on('error', () => undefined)
  options.onSpawn?.(child, 'SIGTERM')
  child.stdin.end(settings(folder, port, password, log))

  const url = `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`
  const reason = await untilReady(child, url)
  if (reason === undefined) return { child, url, stop: () => end(child, 'SIGTERM', STOP_PATIENCE_MS) }
  throw new StopError(`Redis does not start (${reason}):\n${lastWords(log, from)}`)
}

function settings(folder: string, port: number, password: string, log: string): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${JSON.stringify(password)}`,
    `dir ${JSON.stringify(folder)}`,
    `logfile ${JSON.stringify(log)}`,
    'save ""',
    'appendonly yes',
    'maxmemory-policy noeviction',
    '',
  ].join('\n')
}

/** Undefined when it answers; else why not. */
async function untilReady(child: ChildProcess, url: string): Promise<string | undefined> {
  const deadline = performance.now() + START_PATIENCE_MS
  while (!hasEnded(child)) {
    if ((await pingRedis(url)) === undefined) return undefined
    if (performance.now() > deadline) {
      await end(child, 'SIGTERM', STOP_PATIENCE_MS)
      return `no answer after ${START_PATIENCE_MS / 1000} s`
    }
    await sleep(15)
  }
  return 'it ended'
}

/** Undefined if the Redis answers, else the reason why it does not. */
export async function pingRedis(url: string): Promise<string | undefined> {
  let reason = 'no connection'
  let client: Redis | undefined
  try {
    client = new Redis(url, {
      lazyConnect: true,
      connectTimeout: 2000,
      commandTimeout: 2000,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    })
    client.on('error', (error: Error) => (reason = reasonOf(error)))
    await client.connect()
    await client.ping()
    return undefined
  } catch (error) {
    return error instanceof Error && !error.message.includes('Connection is closed')
      ? reasonOf(error)
      : reason
  } finally {
    client?.disconnect()
  }
}
