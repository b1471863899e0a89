import { join } from 'node:path'
import { root } from '../dev/places.ts'
import { runProgram } from '../dev/run-program.ts'
import { folder } from './documents.ts'

/** What the linter has against the documents that are checked in; an empty text if nothing. */
export async function lintDocuments(files: readonly string[]): Promise<string> {
  const program = join(root, 'infra/node_modules/@redocly/cli/bin/cli.js')
  const args = ['lint', '--config', 'redocly.yaml', '--format=stylish', '--max-problems=50', ...files]
  // It would look for a newer version of itself, and count its runs.
  const env = { ...process.env, REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', REDOCLY_TELEMETRY: 'off', CI: 'true' }
  const { code, text, errors } = await runProgram(process.execPath, [program, ...args], { cwd: folder, env })
  const output = text + errors
  return code === 0 && !/warning/.test(output) ? '' : output
}
