import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'

const service = new URL('../support/service.ts', import.meta.url).pathname

/** Starts a service as a process of its own. */
async function start(t: Test, env: Record<string, string>) {
  const child = spawn(process.execPath, ['--conditions=@portcullis/source', service], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const exited = once(child, 'exit').then(([code]: unknown[]) => code)
  const lines = createInterface({ input: child.stdout })
  const first = await Promise.race([once(lines, 'line'), exited])
  const [url] = Array.isArray(first) ? first.map(String) : []
  return { child, url: url ?? '', exited, errors: () => errors }
}

t.test('SIGTERM: requests in flight are answered, then exit 0', async (t) => {
  const { child, url, exited } = await start(t, {})
  const slow = fetch(`${url}/slow?ms=300`)
  await fetch(`${url}/started`)
  child.kill('SIGTERM')
  const response = await slow
  t.equal(response.status, 200)
  t.strictSame(await response.json(), { slow: true })
  t.equal(await exited, 0)
})

t.test('a stopping service says that it is not ready while it drains, and still answers', async (t) => {
  const { child, url, exited } = await start(t, { DRAIN_SECONDS: '0.5' })
  t.equal((await fetch(`${url}/health/ready`)).status, 200)
  child.kill('SIGTERM')
  let status = 200
  while (status === 200) status = (await fetch(`${url}/health/ready`)).status
  t.equal(status, 503)
  t.equal((await fetch(`${url}/health/live`)).status, 200)
  t.equal((await fetch(`${url}/slow?ms=1`)).status, 200)
  t.equal(await exited, 0)
})

t.test('SIGINT stops it as well', async (t) => {
  const { child, exited } = await start(t, {})
  child.kill('SIGINT')
  t.equal(await exited, 0)
})

t.test('wrong settings are all named on standard error, with exit code 78', async (t) => {
  const { exited, errors } = await start(t, { PORT: 'x', DRAIN_SECONDS: '-1' })
  t.equal(await exited, 78)
  t.match(errors(), /^configuration: PORT .*\nconfiguration: DRAIN_SECONDS .*\n$/)
})

t.test('a start that fails says why, with exit code 1', async (t) => {
  const { url } = await start(t, {})
  const { exited, errors } = await start(t, { PORT: new URL(url).port })
  t.equal(await exited, 1)
  t.match(errors(), /EADDRINUSE/)
})

t.test('an error that nobody caught ends it with exit code 1', async (t) => {
  const { url, exited } = await start(t, {})
  await fetch(`${url}/crash`).catch(() => undefined)
  t.equal(await exited, 1)
})
