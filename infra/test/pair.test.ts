import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createDatabase, startRedis, type Teardown } from '@portcullis/test-kit'
import { buildGateway } from '../dev/gateway.ts'
import { freePort } from '../dev/ports.ts'
import { walk } from '../dev/walk-fetch.ts'
import { steps } from '../dev/walk-steps.ts'

type Settings = Readonly<Record<string, string>>

function run(file: string, args: readonly string[], settings: Settings): ChildProcess {
  const path = fileURLToPath(new URL(`../../${file}`, import.meta.url))
  return spawn(process.execPath, ['--conditions=@portcullis/source', path, ...args], {
    env: { PATH: process.env['PATH'], LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'], ...settings },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** Starts a service and waits until it is ready; SIGTERM at teardown. */
async function start(t: Teardown, file: string, settings: Settings): Promise<ChildProcess> {
  const child = run(file, [], settings)
  t.teardown(() => stop(child))
  while (!(await isReady(`http://127.0.0.1:${settings['PORT']}`))) {
    if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return child
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
  return child.exitCode
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/health/ready`).catch(() => undefined)
  await answer?.body?.cancel()
  return answer?.status === 200
}

/** Both services as processes of their own, behind one origin. */
async function startPair(t: Teardown) {
  const [authDatabase, contentDatabase, redis] = await Promise.all([
    createDatabase(t, 'auth'),
    createDatabase(t, 'content'),
    startRedis(t),
  ])
  const [authPort, contentPort, gatewayPort] = await Promise.all([freePort(), freePort(), freePort()])
  const origin = `http://127.0.0.1:${gatewayPort}`
  const secret = randomBytes(32).toString('base64url')
  const shared = {
    HOST: '127.0.0.1',
    METRICS_PORT: '0',
    ISSUER: origin,
    LOG_LEVEL: 'silent',
    CACHE_REDIS_URL: redis.url(0),
    REVOCATION_REDIS_URL: redis.url(1),
    SESSION_REDIS_URL: redis.url(2),
    KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  }
  const authUrl = `http://127.0.0.1:${authPort}`
  const contentUrl = `http://127.0.0.1:${contentPort}`
  const client = run(
    'services/auth/src/cli/portcullis.ts',
    ['clients', 'create', 'content', '--scope', 'revocations:read users:changes'],
    { DATABASE_URL: authDatabase, CLIENT_SECRET: secret },
  )
  await once(client, 'exit')
  const auth = await start(t, 'services/auth/src/server.ts', {
    ...shared,
    PORT: String(authPort),
    DATABASE_URL: authDatabase,
  })
  const content = await start(t, 'services/content/src/server.ts', {
    ...shared,
    PORT: String(contentPort),
    DATABASE_URL: contentDatabase,
    JWKS_URL: `${authUrl}/.well-known/jwks.json`,
    AUTH_URL: authUrl,
    CLIENT_SECRET: secret,
  })
  const gateway = await buildGateway({ origin, auth: authUrl, content: contentUrl })
  t.teardown(() => gateway.close())
  await gateway.listen({ host: '127.0.0.1', port: gatewayPort })
  return { origin, auth, content }
}

t.test('both services behind one origin', async (t) => {
  const { origin, auth, content } = await startPair(t)

  await t.test(
    'a user signs up, logs in, posts, and after logout is refused by content at once',
    async (t) => {
      const taken = []
      for await (const { step, status } of walk(origin)) taken.push([step.title, status])
      t.strictSame(
        taken,
        steps.map((step) => [step.title, step.status]),
      )
    },
  )

  await t.test('the origin shows one document with the routes of both', async (t) => {
    const document = await (await fetch(`${origin}/openapi.json`)).json()
    const paths = Object.keys(Object(document).paths)
    for (const path of ['/api/v1/signup', '/api/v1/posts', '/api/v1/tasks/{id}', '/.well-known/jwks.json'])
      t.ok(paths.includes(path), path)
  })

  await t.test('the origin is ready when both are, and SIGTERM ends each with exit code 0', async (t) => {
    t.equal((await fetch(`${origin}/health/ready`)).status, 200)
    t.equal(await stop(content), 0)
    t.equal((await fetch(`${origin}/health/ready`)).status, 503)
    t.equal(await stop(auth), 0)
  })
})
