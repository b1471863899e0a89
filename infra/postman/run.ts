import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { helpIfAsked } from '../dev/arguments.ts'
import { startFreshPair } from '../dev/fresh-pair.ts'
import { root } from '../dev/places.ts'
import { Guard } from '../dev/processes.ts'
import { runMain } from '../dev/run-main.ts'
import { say, since } from '../dev/screen.ts'

/** The Postman collection by newman, against a pair of its own. */
helpIfAsked("npm run postman -- [NEWMAN'S OPTIONS]")

const collection = join(root, 'infra/postman/portcullis.postman_collection.json')
const newman = createRequire(import.meta.url).resolve('newman/bin/newman.js')
const guard = new Guard()

async function main(options: readonly string[]): Promise<number> {
  const began = performance.now()
  const password = randomBytes(18).toString('base64url')
  const pair = await startFreshPair('postman', guard, { ADMIN_PASSWORD: password })
  say('postman', `against ${pair.origin} (${since(began)})`)
  try {
    const variables = ['--env-var', `URL=${pair.origin}`, '--env-var', `ADMIN_PASSWORD=${password}`]
    const args = [newman, 'run', collection, ...variables, '--bail', 'failure', ...options]
    const child = spawn(process.execPath, args, { stdio: 'inherit' })
    guard.watch(child, 'SIGTERM')
    await once(child, 'close')
    return child.exitCode ?? 1
  } finally {
    await pair.stop()
  }
}

await runMain(() => main(process.argv.slice(2)))
