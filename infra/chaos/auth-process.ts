import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { untilAnswered } from '../dev/answers.ts'
import { root } from '../dev/places.ts'
import { end, type Guard } from '../dev/processes.ts'

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
    await untilAnswered({ name: 'auth', child }, `${this.url}/health/ready`)
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
}
