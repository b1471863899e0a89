import { spawn, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { joinedPackages, program } from '../bootstrap/joined.cjs'
import { readArguments } from './arguments.ts'
import { checkpoint } from './databases.ts'
import { makeWhatIsMissing } from './first-start.ts'
import { greet } from './greeting.ts'
import { Parts } from './parts.ts'
import { homeFolder, type ServiceName } from './places.ts'
import { assertFree, freePort, portFrom } from './ports.ts'
import { end } from './processes.ts'
import { RunFile } from './run-file.ts'
import { complain, during, say, since } from './screen.ts'
import { loadSecrets } from './secrets.ts'
import {
  portcullisVariables,
  serviceVariables,
  startService,
  untilServiceReady,
  type ServiceProcess,
  type Setting,
} from './services.ts'
import { messageOf, StopError } from './stop-error.ts'
import { logFile, preparePostgres, prepareRedis } from './stores.ts'

/** Everything the pair needs, the pair itself, and one origin in front of it. */
readArguments('npm start; its settings are variables, such as GATEWAY_PORT=9090', {})
const began = performance.now()
const SERVICE_PATIENCE_MS = 800
/** Settings of services that name what is started here, and files that only services read. */
const MADE_HERE = [
  'HOST',
  'PORT',
  'ISSUER',
  'METRICS_PORT',
  'DATABASE_URL',
  'CACHE_REDIS_URL',
  'REVOCATION_REDIS_URL',
  'SESSION_REDIS_URL',
  'AUTH_URL',
  'JWKS_URL',
  'CLIENT_ID',
  'CLIENT_SECRET',
  'TRUST_PROXY',
  'POSTGRES_ADMIN_URL_FILE',
  'REDIS_URL_FILE',
  'ADMIN_PASSWORD_FILE',
  'KEY_ENCRYPTION_KEY_FILE',
]

async function start(run: RunFile, parts: Parts, ports: Ports): Promise<void> {
  const ignored = MADE_HERE.filter((name) => process.env[name])
  if (ignored.length > 0) say('settings', `made by npm start itself, and not taken: ${ignored.join(', ')}`)
  const kept = loadSecrets()
  const secrets = { ...kept, keyEncryptionKey: process.env['KEY_ENCRYPTION_KEY'] || kept.keyEncryptionKey }
  const watch = parts.watch.bind(parts)
  const stores = await Promise.all([
    during('postgres', preparePostgres(run, secrets, watch)),
    during('redis', prepareRedis(run, secrets, watch)),
  ])
  parts.add(...stores.flatMap(({ name, own }) => (own === undefined ? [] : [{ name, ...own }])))
  const [postgres, redis] = stores

  const { databases, adminPassword } = await during(
    'preparing the databases',
    makeWhatIsMissing(postgres.url, secrets),
  )
  const setting: Setting = {
    origin: urlOf(ports.gateway),
    ports,
    metricsPorts: { auth: await freePort(9101), content: await freePort(9102) },
    databases,
    redisUrl: redis.url,
    secrets,
  }
  writeVariables(setting)
  const services = startServices(run, parts, setting)
  const { auth, content } = services
  const [gateway] = await Promise.all([makeGateway(ports, services), auth.ready, content.ready])
  const stop = (child: ChildProcess) => () => end(child, 'SIGTERM', SERVICE_PATIENCE_MS)
  parts.add(...[auth, content].map(({ name, child }) => ({ name, child, stop: stop(child) })))
  parts.onStop(() => gateway.close())
  await gateway.listen({ host: 'localhost', port: ports.gateway })
  say('gateway', setting.origin)
  if (!parts.isStopping) greet(setting, adminPassword, began)
  // What the first start has written need not be waited for at its end.
  if (postgres.own !== undefined) await checkpoint(postgres.url).catch(() => undefined)
}

/** So that the next start is faster; this one takes precedence. */
function joinPackages(parts: Parts): void {
  const { folder, isMade } = joinedPackages()
  if (isMade) return
  const child = spawn('nice', ['-n', '19', process.execPath, program, folder], { stdio: 'ignore' })
  child.on('error', () => undefined)
  parts.watch(child, 'SIGTERM')
}

interface StartedService extends ServiceProcess {
  readonly ready: Promise<void>
}
type Services = Readonly<Record<ServiceName, StartedService>>

function startServices(run: RunFile, parts: Parts, setting: Setting): Services {
  const from = performance.now()
  const started = (name: ServiceName): StartedService => {
    const service = startService(name, serviceVariables(name, setting), logFile(name))
    parts.watch(service.child, 'SIGTERM')
    if (service.child.pid !== undefined) run.addPart(service.child.pid, `services/${name}/src/server.ts`)
    const url = urlOf(setting.ports[name])
    const ready = during(name, untilServiceReady(service, url)).then(() =>
      say(name, `${url} (${since(from)})`),
    )
    return { ...service, ready }
  }
  return { auth: started('auth'), content: started('content') }
}

/** Made while the services start, lest they wait for it. */
async function makeGateway(ports: Ports, { auth, content }: Services) {
  const { buildGateway } = await import('./gateway.ts')
  return buildGateway({
    auth: urlOf(ports.auth),
    content: urlOf(ports.content),
    ready: { auth: auth.ready, content: content.ready },
  })
}

/** What `npm run portcullis` needs to reach what runs here. */
function writeVariables(setting: Setting): void {
  const lines = Object.entries(portcullisVariables(setting)).map(([name, value]) => `${name}='${value}'\n`)
  writeFileSync(join(homeFolder(), 'portcullis.env'), lines.join(''), { mode: 0o600 })
}

interface Ports extends Readonly<Record<ServiceName, number>> {
  readonly gateway: number
}

function urlOf(port: number): string {
  return `http://localhost:${port}`
}

function chosenPorts(): Ports {
  const ports = {
    gateway: portFrom('GATEWAY_PORT', 8080),
    auth: portFrom('AUTH_PORT', 3001),
    content: portFrom('CONTENT_PORT', 3002),
  }
  if (new Set(Object.values(ports)).size < 3) {
    throw new StopError('GATEWAY_PORT, AUTH_PORT and CONTENT_PORT must be three different ports')
  }
  return ports
}

async function main(): Promise<void> {
  const ports = chosenPorts()
  const run = await RunFile.claim(urlOf(ports.gateway))
  const parts = new Parts(() => run.release())
  parts.listen()
  try {
    await assertFree(ports.gateway, 'GATEWAY_PORT')
    await assertFree(ports.auth, 'AUTH_PORT')
    await assertFree(ports.content, 'CONTENT_PORT')
    joinPackages(parts)
    await start(run, parts, ports)
  } catch (error) {
    if (!parts.isStopping) complain('failed', messageOf(error))
    await parts.stop(1)
  }
}

main().catch((error: unknown) => {
  complain('failed', messageOf(error))
  process.exit(1)
})
