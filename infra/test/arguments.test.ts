import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../dev/places.ts'

/** Runs a command to its end. */
async function run(file: string, args: readonly string[]) {
  const child = spawn(process.execPath, ['--conditions=@portcullis/source', join(root, file), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, stdout, stderr }
}

/** What each command does not take, and what it says of it. */
const WRONG: readonly [file: string, args: readonly string[], named: RegExp][] = [
  ['infra/dev/start.ts', ['--port', '9090'], /--port.*\nusage: npm start/s],
  ['infra/dev/walk.ts', ['localhost'], /'localhost' is no URL/],
  ['infra/check.ts', ['src'], /'src'.*\nusage: npm run check/s],
  ['infra/openapi/run.ts', ['--force'], /--force.*\nusage: npm run openapi/s],
  ['infra/full/run.ts', ['--quick'], /--quick.*\nusage: npm run test:full/s],
  ['infra/bench/run.ts', ['--only', 'refresh', '--only', 'refreshes'], /'refreshes'/],
  ['infra/chaos/run.ts', ['--only', 'no such fault'], /--only takes .*Redis away/],
  ['infra/chaos/run.ts', ['--onyl', 'redis'], /--onyl/],
  ['infra/resilience/run.ts', ['--only', 'no such case'], /--only takes .*rolling restart/],
  ['infra/resilience/run.ts', ['--rate', 'many'], /--rate takes a number above 0, not 'many'/],
  ['infra/soak/run.ts', ['--minutes', '0'], /--minutes takes a number above 0, not '0'/],
  ['infra/gateways/run.ts', ['ngnix'], /nginx.*not 'ngnix'/],
  ['infra/browser/run.ts', ['one', 'two'], /'two'/],
  ['infra/compose/run.ts', ['--profile', 'pair'], /'pair'/],
  ['infra/packages/run.ts', ['token-verifyer'], /token-verifier.*not 'token-verifyer'/],
]

void t.test('a command with wrong arguments says which, and does nothing', async (t) => {
  await Promise.all(
    WRONG.map(async ([file, args, named]) => {
      const { code, stdout, stderr } = await run(file, args)
      const title = `${file} ${args.join(' ')}`
      t.equal(code, 1, title)
      t.match(stderr, named, title)
      t.notMatch(stderr, /^ +at /m, `${title}: no stack`)
      t.equal(stdout, '', `${title}: nothing was begun`)
    }),
  )
})

void t.test('a command that is asked for --help tells what it takes', async (t) => {
  const { code, stdout } = await run('infra/chaos/run.ts', ['--help'])
  t.equal(code, 0)
  t.match(stdout, 'usage: npm run chaos -- [--quick] [--only TEXT]')
})
