import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../dev/places.ts'
import { findProgram, type Program } from '../dev/programs.ts'

const promtool = await findProgram('promtool')
const folder = join(root, 'infra/observability')

function run({ path, env }: Program, args: readonly string[]): { status: number | null; printed: string } {
  const { status, stdout, stderr } = spawnSync(path, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  return { status, printed: `${stdout}${stderr}` }
}

t.test('Prometheus takes the rules, and its own tests of them and of the dashboard pass', async (t) => {
  if (typeof promtool === 'string') throw new Error(promtool)
  const tests = globSync('*.test.yml', { cwd: folder })
  t.equal(tests.length, 2)
  for (const args of [
    ['check', 'config', '--syntax-only', 'prometheus.yml'],
    ['check', 'rules', 'alerts.yml'],
    ...tests.map((file) => ['test', 'rules', file]),
  ]) {
    const { status, printed } = run(promtool, args)
    t.equal(status, 0, `${args.join(' ')}\n${printed}`)
  }
})
