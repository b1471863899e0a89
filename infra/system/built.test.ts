import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { root } from '../dev/places.ts'
import { freePort } from '../dev/ports.ts'
import { nodeEnv } from '../dev/processes.ts'
import { startReceiver } from '../test/support/otlp.ts'
import { startPair } from '../test/support/pair.ts'

// Without what tap has Node load, which the compiler does not start with.
const env = { ...nodeEnv, NODE_OPTIONS: '' }
const { status } = spawnSync(process.execPath, ['infra/build/run.ts'], {
  cwd: root,
  env,
  stdio: 'inherit',
})
if (status !== 0) throw new Error('the build failed')
const receiver = await startReceiver(t)
const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint }
const metricsPorts = { auth: await freePort(), content: await freePort() }
const pair = await startPair(t, {
  isBuilt: true,
  auth: { ...traced, METRICS_PORT: String(metricsPorts.auth) },
  content: { ...traced, METRICS_PORT: String(metricsPorts.content) },
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

t.test('what production runs shows what a request did in PostgreSQL and Redis', async (t) => {
  const secret = () => randomBytes(12).toString('hex')
  const traceId = randomBytes(16).toString('hex')
  const response = await fetch(`${pair.origin}/api/v1/signup`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01`,
    },
    body: JSON.stringify({ username: secret(), password: secret(), email: `${secret()}@example.org` }),
  })
  t.equal(response.status, 201)
  const spans = () => receiver.spans.filter((span) => span.traceId === traceId)
  while (!spans().some(({ name }) => name === 'POST /api/v1/signup')) await sleep(20)
  const request = spans().find(({ name }) => name === 'POST /api/v1/signup')
  for (const system of ['postgresql', 'redis']) {
    const below = spans().find(
      ({ attributes }) => (attributes['db.system'] ?? attributes['db.system.name']) === system,
    )
    t.equal(below?.parentSpanId, request?.spanId, `${system}, below the request`)
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
    env,
    encoding: 'utf8',
  })
  t.strictSame({ status, stdout }, { status: 78, stdout: '0\n' })
})
