import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { root } from '../dev/places.ts'
import { end, hasEnded, howEnded, type Guard } from '../dev/processes.ts'
import { StopError } from '../dev/stop-error.ts'

const START_PATIENCE_MS = 30_000

/** An instance of auth that can be killed, frozen and started again in its place. */
export class AuthProcess {
  readonly url: string
  readonly port: number
  /** On which its heap can be looked at. */
  readonly inspectPort: number
  readonly #env: NodeJS.ProcessEnv
  readonly #log: string
  readonly #guard: Guard
  #child: ChildProcess | undefined

  constructor(
    { port, inspectPort }: { readonly port: number; readonly inspectPort: number },
    env: NodeJS.ProcessEnv,
    log: string,
    guard: Guard,
  ) {
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.inspectPort = inspectPort
    this.#env = { ...env, PORT: String(port), HOST: '127.0.0.1' }
    this.#log = log
    this.#guard = guard
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    const program = join(root, 'services/auth/src/server.ts')
    const inspect = `--inspect=127.0.0.1:${this.inspectPort}`
    const child = spawn(process.execPath, ['--conditions=@portcullis/source', inspect, program], {
      cwd: root,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    this.#guard.watch(child, 'SIGKILL')
    child.on('error', () => undefined)
    const file = createWriteStream(this.#log, { flags: 'a' })
    for (const stream of [child.stdout, child.stderr]) stream.pipe(file, { end: false })
    const deadline = performance.now() + START_PATIENCE_MS
    while ((await this.#status()) !== 200) {
      if (hasEnded(child)) throw new StopError(`auth has ended while starting: ${howEnded(child)}`)
      if (performance.now() > deadline) throw new StopError('auth is not ready after 30 s')
      await sleep(20)
    }
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    if (this.#child) await end(this.#child, 'SIGKILL', 1000)
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    if (this.#child) await end(this.#child, 'SIGTERM', 5000)
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  async #status(): Promise<number> {
    const answer = await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(2000) }).catch(
      () => undefined,
    )
    await answer?.body?.cancel()
    return answer?.status ?? 0
  }
}
