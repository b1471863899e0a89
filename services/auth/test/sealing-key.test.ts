import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { newRefreshKey } from '../src/keys/generate.ts'
import { insertRefreshKey } from '../src/keys/queries.ts'
import { createSealer } from '../src/keys/seal.ts'
import { startAuth } from './support/auth.ts'
import { runPortcullis } from './support/portcullis.ts'

const auth = await startAuth(t)
const newKey = () => randomBytes(32).toString('base64')
const other = { KEY_ENCRYPTION_KEY: newKey() }
const server = new URL('../src/server.ts', import.meta.url).pathname

/** The service as a process of its own, as only such a one ends. */
function start(t: Test, env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['--conditions=@portcullis/source', server], {
    env: { PATH: process.env['PATH'], ...auth.env, LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const closed = once(child, 'close').then(([code]: unknown[]) => ({ code, errors }))
  return { child, closed, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
}

async function lineWith(lines: AsyncIterator<string>, wanted: RegExp): Promise<string> {
  for (;;) {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('it has ended')
    const found = wanted.exec(value)
    if (found) return found[1] ?? found[0]
  }
}

t.test(
  'another sealing key than that of the keys there are is a wrong setting: named, exit 78',
  async (t) => {
    for (const env of [other, { ...other, KEY_ENCRYPTION_KEY_PREVIOUS: newKey() }]) {
      const { code, errors } = await start(t, env).closed
      t.equal(code, 78)
      t.match(errors, /^configuration: KEY_ENCRYPTION_KEY does not open [^\n]+\n$/)
    }
    t.equal((await auth.call('GET', '/health/ready')).status, 200, 'and nothing has changed for the others')
    const { err, out } = await runPortcullis(auth, ['doctor'], other)
    t.match(out, /^failed +keys +KEY_ENCRYPTION_KEY does not open /m)
    t.equal(err, '')
  },
)

t.test('a command under another sealing key than that of the keys in use makes none', async (t) => {
  const keys = () => auth.app.db.selectFrom('signing_keys').select(['kid', 'state']).orderBy('kid').execute()
  const before = await keys()
  for (const option of [[], ['--compromised'], ['--refresh'], ['--refresh', '--compromised']]) {
    const { code, err } = await runPortcullis(auth, ['keys', 'rotate', ...option], other)
    t.equal(code, 78)
    t.match(err, 'KEY_ENCRYPTION_KEY does not open')
  }
  t.strictSame(await keys(), before)
})

t.test('a service that runs goes on when it meets a key that another sealing key has sealed', async (t) => {
  const { child, closed, lines } = start(t, {})
  const url = await lineWith(lines, /listening at (http:[^"]+)/)
  const sealer = createSealer(other.KEY_ENCRYPTION_KEY)
  await insertRefreshKey(auth.app.db, { ...newRefreshKey(sealer), state: 'retired', retired_at: new Date() })
  await lineWith(lines, /KEY_ENCRYPTION_KEY does not open.*the keys cannot be read/)
  t.equal((await fetch(`${url}/.well-known/jwks.json`)).status, 200)
  child.kill('SIGTERM')
  t.match(await closed, { code: 0, errors: '' })
})
