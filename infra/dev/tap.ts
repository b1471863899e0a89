import { spawn, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { clearCoverage, COVERAGE_ARGUMENTS, coverageLines } from './coverage.ts'
import { root } from './places.ts'
import { ended } from './processes.ts'
import { TapLines } from './tap-lines.ts'

// tap notes every module that a process loads, for coverage and `tap --changed`; a tenth of a file's CPU, in two.
const NOTE_NO_MODULES = `--import=data:text/javascript,process.env._TAPJS_PROCESSINFO_EXCLUDE_='/./'`

/**
 * Runs tap over the files, or over the whole suite if none are named, as many files at a time as there are cores.
 *
 * @param args of `npm test`: files, options of tap, `--coverage`.
 * @param onSpawn is given the process, the leader of a group that all test processes belong to.
 * @returns tap's exit code.
 */
export async function runTap(
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
  onSpawn: (child: ChildProcess) => void,
): Promise<number> {
  const withCoverage = args.includes('--coverage')
  const own = args.filter((arg) => arg !== '--coverage')
  const hasReporter = own.some((arg) => arg.startsWith('-R') || arg.startsWith('--reporter'))
  const readable = !hasReporter && !process.stdout.isTTY
  // Tests wait for stores, timers and child processes most of the time.
  const options = [`--jobs=${2 * availableParallelism()}`]
  if (readable) options.push('--reporter=tap')
  if (withCoverage) options.push(...COVERAGE_ARGUMENTS)

  // A home that lies in the checkout would hide the settings from tap, and cached code blurs the coverage.
  const env: NodeJS.ProcessEnv = { ...process.env, ...variables, TAP_RCFILE: join(root, '.taprc') }
  if (withCoverage) delete env['NODE_COMPILE_CACHE']
  else env['NODE_OPTIONS'] = [env['NODE_OPTIONS'] ?? '', NOTE_NO_MODULES].join(' ')
  clearCoverage()
  const program = join(fileURLToPath(import.meta.resolve('tap/package.json')), '../dist/esm/run.mjs')
  const child = spawn(process.execPath, [program, ...options, ...own], {
    cwd: root,
    env,
    detached: true,
    stdio: ['ignore', readable ? 'pipe' : 'inherit', 'inherit'],
  })
  onSpawn(child)
  if (child.stdout !== null) {
    const lines = new TapLines((line) => console.log(line))
    for await (const line of createInterface({ input: child.stdout })) lines.take(line)
  }
  await ended(child)
  if (child.signalCode !== null) console.log(`tap was ended by ${child.signalCode}`)
  if (withCoverage) console.log(['', ...coverageLines()].join('\n'))
  return child.exitCode ?? 1
}
