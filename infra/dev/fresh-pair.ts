import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAnswered } from './answers.ts'
import { root } from './places.ts'
import { freePort } from './ports.ts'
import { end, hasEnded, type Guard } from './processes.ts'
import { runFolder } from './run-folder.ts'
import { StopError } from './stop-error.ts'

const READY_PATIENCE_MS = 120_000
const STOP_PATIENCE_MS = 10_000

/** The pair as `npm start` gives it to somebody who starts it for the first time. */
export interface FreshPair {
  readonly origin: string
  readonly authUrl: string
  readonly contentUrl: string
  /** Ends it, and deletes its data. */
  stop(): Promise<void>
}

/**
 * Starts the pair with data of its own on free ports.
 *
 * @param name of the command that needs it, for its folder.
 * @param settings in the environment of `npm start`.
 * @throws StopError if it does not become ready.
 */
export async function startFreshPair(
  name: string,
  guard: Guard,
  settings: Readonly<Record<string, string>> = {},
): Promise<FreshPair> {
  const folder = runFolder(name, `infra/${name}/`)
  const [gateway, auth, content] = [await freePort(), await freePort(), await freePort()]
  const ports = { GATEWAY_PORT: String(gateway), AUTH_PORT: String(auth), CONTENT_PORT: String(content) }
  const env: NodeJS.ProcessEnv = { ...process.env, ...ports, PORTCULLIS_HOME: folder, ...settings }
  for (const other of ['POSTGRES_ADMIN_URL', 'REDIS_URL']) delete env[other]
  const args = ['--conditions=@portcullis/source', join(root, 'infra/dev/start.ts')]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  guard.watch(child, 'SIGTERM')
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (printed += chunk.toString()))

  const stop = async () => {
    await end(child, 'SIGTERM', STOP_PATIENCE_MS)
    rmSync(folder, { recursive: true, force: true })
  }
  const origin = `http://localhost:${gateway}`
  const deadline = performance.now() + READY_PATIENCE_MS
  while (!(await isAnswered(`${origin}/health/ready`))) {
    if (hasEnded(child) || performance.now() > deadline) {
      await stop()
      throw new StopError(`the pair did not become ready:\n${printed}`)
    }
    await sleep(50)
  }
  return { origin, authUrl: `http://localhost:${auth}`, contentUrl: `http://localhost:${content}`, stop }
}
