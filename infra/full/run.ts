import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { readArguments } from '../dev/arguments.ts'
import { root } from '../dev/places.ts'
import { onParentGone } from '../dev/processes.ts'
import { complain, say, since } from '../dev/screen.ts'

/** What takes longer than a change can wait for, one after the other. */
readArguments('npm run test:full', {})
const STAGES: Readonly<Record<string, readonly string[]>> = {
  resilience: ['infra/resilience/run.ts'],
  chaos: ['infra/chaos/run.ts'],
  'profile ha': ['infra/compose/run.ts', '--profile', 'ha'],
  'cold start': ['infra/soak/cold-start.ts'],
  soak: ['infra/soak/run.ts', '--minutes', '10'],
  'kinds of redis': ['infra/dev/test.ts', '--timeout=900', 'infra/full/redis-kinds.test.ts'],
}

let failures = 0
for (const [name, [file = '', ...args]] of Object.entries(STAGES)) {
  const began = performance.now()
  const child = spawn(process.execPath, ['--conditions=@portcullis/source', join(root, file), ...args], {
    cwd: root,
    stdio: 'inherit',
  })
  const interrupt = () => child.kill('SIGTERM')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
  onParentGone(interrupt)
  await once(child, 'close')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, interrupt)
  if (child.exitCode === 0) say('passed', `${name} (${since(began)})`)
  else complain('failed', `${name} (${since(began)})`)
  failures += child.exitCode === 0 ? 0 : 1
}
process.exit(failures === 0 ? 0 : 1)
