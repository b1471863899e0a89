import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../dev/places.ts'
import { freePort } from '../dev/ports.ts'
import { nodeEnv } from '../dev/processes.ts'
import { startPair } from '../test/support/pair.ts'

if (process.env['TEST_BUILT'] !== '1') throw new Error('npm run system makes what is looked at here')
const metricsPorts = { auth: await freePort(), content: await freePort() }
const pair = await startPair(t, {
  auth: { METRICS_PORT: String(metricsPorts.auth) },
  content: { METRICS_PORT: String(metricsPorts.content) },
})

for (const name of ['auth', 'content'] as const) {
  const origin = name === 'auth' ? pair.authUrl : pair.contentUrl

  t.test(`${name} as production runs it finds the files that it sends`, async (t) => {
    const paths = ['/docs/', '/docs/json', '/docs/static/swagger-ui-bundle.js', '/docs/static/logo.svg']
    for (const path of [...paths, '/openapi.json', '/problems', '/problems/NOT_FOUND'])
      t.equal((await fetch(`${origin}${path}`)).status, 200, path)
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPorts[name]}/metrics`)).text()
    t.match(metrics, /^process_resident_memory_bytes\S* \d/m)
  })
}

t.test('what production runs is kept in memory with one byte a character', async (t) => {
  const isWide = (file: string) => readFileSync(file).some((byte) => byte > 127)
  for (const name of ['auth', 'content']) {
    const files = globSync(join(root, `services/${name}/dist/**/*.js`))
    t.ok(files.length > 0)
    t.strictSame(files.filter(isWide), [], 'one other character is enough to take two bytes for each')
  }
})

t.test('portcullis as the image has it finds the migrations', async () => {
  await pair.portcullis('migrate')
  await pair.portcullis('doctor')
})

t.test('without an endpoint what production runs loads nothing of OpenTelemetry', async (t) => {
  const program = `
    const { Module } = await import('node:module')
    process.on('exit', () => {
      console.log(Object.keys(Module._cache).filter((file) => file.includes('opentelemetry')).length)
    })
    // Ends for want of settings, with everything loaded.
    await import('./server.js')`
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: `${root}/services/auth/dist`,
    env: { ...nodeEnv, NODE_OPTIONS: '' },
    encoding: 'utf8',
  })
  t.strictSame({ status, stdout }, { status: 78, stdout: '0\n' })
})
