import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { installCommand } from '../packages/install-command.ts'

t.test('the command that installs the packages can be pasted, whatever their folder is called', async (t) => {
  for (const name of ['plain-1.0', "with space'q", '$HOME `id` "*" \\', 'ünïcode;&|']) {
    const folder = join(t.testdir(), name)
    mkdirSync(folder)
    const files = ['client', 'schemas'].map((name) => join(folder, `portcullis-${name}.tgz`))
    for (const file of files) writeFileSync(file, '')
    const script = `npm() { printf '%s\\n' "$@"; }; ${installCommand(folder)}`
    t.strictSame(
      execFileSync('sh', ['-euc', script]).toString().trim().split('\n'),
      ['install', ...files],
      name,
    )
  }
  t.equal(installCommand('/tmp/my-app'), 'npm install /tmp/my-app/portcullis-*.tgz', 'no quotes without need')
})
