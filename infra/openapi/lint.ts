import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../dev/places.ts'
import { folder } from './documents.ts'

/** What the linter has against the documents that are checked in; an empty text if nothing. */
export function lintDocuments(files: readonly string[]): Promise<string> {
  const program = join(root, 'infra/node_modules/@redocly/cli/bin/cli.js')
  const args = ['lint', '--config', 'redocly.yaml', '--format=stylish', '--max-problems=50', ...files]
  // It would look for a newer version of itself, and count its runs.
  const env = { ...process.env, REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', REDOCLY_TELEMETRY: 'off', CI: 'true' }
  const linter = spawn(process.execPath, [program, ...args], { cwd: folder, env })
  let output = ''
  for (const stream of [linter.stdout, linter.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return new Promise((resolve, reject) => {
    linter.on('error', reject)
    linter.on('close', (code) => resolve(code === 0 && !/warning/.test(output) ? '' : output))
  })
}
