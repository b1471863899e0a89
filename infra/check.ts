import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import colors from 'picocolors'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { suppressionViolations, topLevelViolations } from './check/conventions.ts'
import { importViolations } from './check/imports.ts'
import { readArguments } from './dev/arguments.ts'
import { root } from './dev/places.ts'
import { onParentGone } from './dev/processes.ts'
import { since } from './dev/screen.ts'

/** Every gate that needs no running service. */
readArguments('npm run check', {})

interface Gate {
  readonly name: string
  /** Gives what is wrong; an empty text if nothing is. */
  readonly run: () => Promise<string> | string
}

const gates: readonly Gate[] = [
  { name: 'types', run: () => tool('tsc', ['--build', ...colorFlag('--pretty'), ...projects()]) },
  {
    name: 'lint',
    run: () => tool('oxlint', ['--type-aware', '--deny-warnings', '--report-unused-disable-directives']),
  },
  { name: 'format', run: () => tool('prettier', ['--check', '--log-level=warn', '.']) },
  { name: 'rules', run: rules },
]

function colorFlag(flag: string): string[] {
  return process.stdout.isTTY ? [flag] : []
}

/** Every project of TypeScript, tests and infra included. */
function projects(): string[] {
  return globSync('{packages,services}/*/{,test/}tsconfig.json', { cwd: root }).toSorted().concat('infra')
}

const running = new Set<ChildProcess>()

/** Runs a tool of the root's dependencies; what it prints counts only if it fails. */
function tool(name: string, args: readonly string[]): Promise<string> {
  const started = spawn(join(root, 'node_modules/.bin', name), args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(started)
  return new Promise((resolve) => {
    let output = ''
    const take = (chunk: Buffer) => (output += chunk.toString())
    started.stdout.on('data', take)
    started.stderr.on('data', take)
    started.on('error', (error) => resolve(error.message))
    started.on('close', (code) => {
      running.delete(started)
      resolve(code === 0 ? '' : output.trim() || `${name} ended with exit code ${code}`)
    })
  })
}

const Dependencies = Type.Optional(Type.Record(Type.String(), Type.String()))
const Manifest = Compile(
  Type.Object({ dependencies: Dependencies, peerDependencies: Dependencies, devDependencies: Dependencies }),
)

/** Who imports what, what the top level holds, and that suppressions have reasons. */
function rules(): string {
  const violations = topLevelViolations(readdirSync(root))
  for (const folder of [...globSync('{packages,services}/*', { cwd: root }), 'infra']) {
    if (!existsSync(join(root, folder, 'package.json'))) continue
    const manifest = Manifest.Parse(JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')))
    const files = globSync(`${folder}/**/*.{ts,cjs,mjs,js}`, { cwd: root, exclude: isOutput })
    for (const file of files) {
      const source = readFileSync(join(root, file), 'utf8')
      violations.push(...importViolations(file, source, manifest), ...suppressionViolations(file, source))
    }
  }
  return violations.join('\n')
}

function isOutput(path: string): boolean {
  return /(?:^|\/)(?:node_modules|dist|\.tap)$/.test(path)
}

const interrupt = () => {
  for (const child of running) child.kill('SIGTERM')
  process.exit(1)
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
onParentGone(interrupt)

const results = await Promise.all(
  gates.map(async ({ name, run }) => {
    const began = performance.now()
    const wrong = await run()
    const mark = wrong === '' ? colors.green('ok  ') : colors.red('FAIL')
    console.log(`${mark} ${name.padEnd(8)} ${since(began)}${wrong === '' ? '' : `\n${wrong}\n`}`)
    return wrong === ''
  }),
)
process.exitCode = results.includes(false) ? 1 : 0
