import colors from 'picocolors'
import { readArguments, refuse } from './arguments.ts'
import { runningOrigin } from './run-file.ts'
import { walk } from './walk-fetch.ts'
import { steps } from './walk-steps.ts'

/** The walk that `npm start` prints, without curl. */
const USAGE = 'npm run walk -- [http://host:port]'
const [given] = readArguments(USAGE, {}, { most: 1 }).positionals
if (given !== undefined && !/^https?:\/\/[^/]/.test(given)) refuse(USAGE, `'${given}' is no URL`)
const origin =
  (given === undefined ? undefined : new URL(given).origin) ??
  runningOrigin() ??
  `http://localhost:${process.env['GATEWAY_PORT'] || 8080}`

console.log(`Walking at ${colors.cyan(origin)}\n`)
let right = 0
for await (const { step, status, text } of walk(origin)) {
  const isRight = status === step.status
  if (isRight) right += 1
  const mark = isRight ? colors.green('✓') : colors.red('✗')
  const request = `${step.method.padEnd(4)} /api/v1${step.path}`
  console.log(`${mark} ${String(status || '–').padEnd(3)} ${step.title.padEnd(36)} ${colors.dim(request)}`)
  if (!isRight) console.log(`      expected ${step.status}; the answer: ${text.slice(0, 500)}`)
  if (status === 0) console.log('      Nothing answers there: `npm start` starts the pair.')
}
console.log(`\n${right} of ${steps.length} steps as expected`)
process.exitCode = right === steps.length ? 0 : 1
