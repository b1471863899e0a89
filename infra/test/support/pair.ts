import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { createDatabase, guardLog, startRedis, type Teardown, type TestRedis } from '@portcullis/test-kit'
import { untilAnswered } from '../../dev/answers.ts'
import { buildGateway } from '../../dev/gateway.ts'
import { freePort } from '../../dev/ports.ts'
import { ended, nodeEnv } from '../../dev/processes.ts'
import { hashClientSecret } from '../../../services/auth/src/clients/secret.ts'

export type Settings = Readonly<Record<string, string>>

export interface Pair {
  /** Where both are reached as one; `iss` of the tokens. */
  readonly origin: string
  readonly authUrl: string
  readonly contentUrl: string
  readonly auth: ChildProcess
  readonly content: ChildProcess
  readonly databases: { readonly auth: string; readonly content: string }
  readonly redis: TestRedis
  /** 32 bytes in base64. */
  readonly keyEncryptionKey: string
  /** Makes a registered client, and gives its secret. */
  newClient(clientId: string, scope: string): Promise<string>
  /** Runs a command of `portcullis`; throws if it fails. */
  portcullis(...command: readonly string[]): Promise<void>
}

/** Settings that are laid over those of the pair. */
export interface Overrides {
  readonly auth?: Settings
  readonly content?: Settings
  /** File to which both write their logs. Without it each line is looked at, and nothing secret may stand in one. */
  readonly log?: string
}

const SOURCES = {
  auth: 'services/auth/src/server.ts',
  content: 'services/content/src/server.ts',
  portcullis: 'services/auth/src/cli/portcullis.ts',
}
const BUILT: typeof SOURCES = {
  auth: 'services/auth/dist/server.js',
  content: 'services/content/dist/server.js',
  portcullis: 'services/auth/dist/cli/portcullis.js',
}

/** Both services as processes of their own, behind one origin: what production runs in `npm run system`, else the sources. */
export async function startPair(t: Teardown, overrides: Overrides = {}): Promise<Pair> {
  const programs = process.env['TEST_BUILT'] === '1' ? BUILT : SOURCES
  const [authDatabase, contentDatabase, redis] = await Promise.all([
    createDatabase(t, 'auth'),
    createDatabase(t, 'content'),
    startRedis(t),
  ])
  const [authPort, contentPort, gatewayPort] = await Promise.all([freePort(), freePort(), freePort()])
  const origin = `http://127.0.0.1:${gatewayPort}`
  const keyEncryptionKey = randomBytes(32).toString('base64')
  const shared = {
    HOST: '127.0.0.1',
    METRICS_PORT: '0',
    ISSUER: origin,
    LOG_LEVEL: 'trace',
    CACHE_REDIS_URL: redis.url(0),
    REVOCATION_REDIS_URL: redis.url(1),
    SESSION_REDIS_URL: redis.url(2),
    KEY_ENCRYPTION_KEY: keyEncryptionKey,
  }
  const authUrl = `http://127.0.0.1:${authPort}`
  const contentUrl = `http://127.0.0.1:${contentPort}`
  const newClient = async (id: string, scope: string) => {
    const secret = randomBytes(32).toString('base64url')
    await insertClient(authDatabase, id, scope, secret)
    return secret
  }
  const secret = await newClient('content', 'revocations:read users:changes')
  const auth = await start(
    t,
    programs.auth,
    {
      ...shared,
      PORT: String(authPort),
      DATABASE_URL: authDatabase,
      ...overrides.auth,
    },
    overrides.log,
  )
  const content = await start(
    t,
    programs.content,
    {
      ...shared,
      PORT: String(contentPort),
      DATABASE_URL: contentDatabase,
      JWKS_URL: `${authUrl}/.well-known/jwks.json`,
      AUTH_URL: authUrl,
      CLIENT_SECRET: secret,
      ...overrides.content,
    },
    overrides.log,
  )
  const gateway = await buildGateway({ auth: authUrl, content: contentUrl })
  t.teardown(() => gateway.close())
  await gateway.listen({ host: '127.0.0.1', port: gatewayPort })
  const databases = { auth: authDatabase, content: contentDatabase }
  const portcullis = (...command: string[]) =>
    runPortcullis(programs.portcullis, command, { ...shared, DATABASE_URL: authDatabase })
  return {
    origin,
    authUrl,
    contentUrl,
    auth,
    content,
    databases,
    redis,
    keyEncryptionKey,
    newClient,
    portcullis,
  }
}

/** Ends a service as its operator would. Its exit code. */
export async function stop(child: ChildProcess): Promise<number | null> {
  child.kill('SIGTERM')
  await ended(child)
  return child.exitCode
}

/** As `portcullis clients create` does it, without a process of its own. */
async function insertClient(databaseUrl: string, id: string, scope: string, secret: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('insert into clients (client_id, name, scopes, secret_hash) values ($1, $1, $2, $3)', [
    id,
    scope.split(' '),
    hashClientSecret(secret),
  ])
  await client.end()
}

async function runPortcullis(program: string, command: readonly string[], settings: Settings): Promise<void> {
  const child = run(program, command, settings)
  await once(child, 'exit')
  if (child.exitCode !== 0) throw new Error(`portcullis ${command.join(' ')} ended with ${child.exitCode}`)
}

/** Starts a service and waits until it is ready; SIGTERM at teardown. */
async function start(t: Teardown, file: string, settings: Settings, log?: string): Promise<ChildProcess> {
  const guard = guardLog(t)
  const child = run(file, [], settings, log ?? 'pipe')
  if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => guard.write(line))
  t.teardown(() => stop(child))
  await untilAnswered({ name: file, child }, `http://127.0.0.1:${settings['PORT']}/health/ready`)
  return child
}

function run(file: string, args: readonly string[], settings: Settings, log?: string): ChildProcess {
  const path = fileURLToPath(new URL(`../../../${file}`, import.meta.url))
  const conditions = file.endsWith('.ts') ? ['--conditions=@portcullis/source'] : []
  return spawn(process.execPath, [...conditions, path, ...args], {
    env: { ...nodeEnv, ...settings },
    stdio: ['ignore', log === undefined ? 'ignore' : log === 'pipe' ? log : openSync(log, 'a'), 'inherit'],
  })
}
