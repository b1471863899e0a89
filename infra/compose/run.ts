import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readArguments, refuse } from '../dev/arguments.ts'
import { root } from '../dev/places.ts'
import { fetchDocument } from '../dev/openapi.ts'
import { freePort } from '../dev/ports.ts'
import { onParentGone } from '../dev/processes.ts'
import { runProgram } from '../dev/run-program.ts'
import { complain, say, since } from '../dev/screen.ts'
import { messageOf } from '../dev/stop-error.ts'
import { findEngine, findImage, inspect, Project } from './engine.ts'
import { checkPair, PAIR_SERVICES } from './pair.ts'
import { untilReady, walkThrough } from './stack.ts'

/**
 * Builds the images, brings the stack of docker-compose.yml up from nothing, walks through the gateway, restarts each
 * container in turn and walks again, and takes everything down. With the profile, the primaries of Redis and PostgreSQL
 * are killed under load instead of the restarts.
 */
const USAGE = 'npm run compose -- [--profile ha]'
const { profile } = readArguments(USAGE, { profile: { type: 'string' } }).values
if (profile !== undefined && profile !== 'ha') refuse(USAGE, `There is no profile '${profile}'`)
const isPair = profile === 'ha'
const SERVICES = ['redis', 'postgres', 'auth', 'content', 'gateway'] as const
const OWN_IMAGES = ['auth', 'content'] as const
const BASE_IMAGE = 'node:26-bookworm-slim'
const PUBLIC_IMAGES = [BASE_IMAGE, 'postgres:18', 'redis:8', 'nginx:1.29'] as const
const MAX_MEGABYTES_OVER_BASE = 120

/** What no container of ours may be: root, writable, large. */
async function checkContainers(project: Project): Promise<void> {
  const baseSize = Number(await inspect('image', BASE_IMAGE, '{{.Size}}'))
  for (const service of OWN_IMAGES) {
    const [id = ''] = await project.containers(service)
    const user = (await project.do(['exec', '-T', service, 'id', '-u'])).trim()
    if (user === '0') throw new Error(`${service} runs as root`)
    if ((await inspect('container', id, '{{.HostConfig.ReadonlyRootfs}}')) !== 'true')
      throw new Error(`the file system of ${service} is writable`)
    const image = await inspect('container', id, '{{.Image}}')
    const megabytes = (Number(await inspect('image', image, '{{.Size}}')) - baseSize) / 1e6
    if (megabytes > MAX_MEGABYTES_OVER_BASE)
      throw new Error(`the image of ${service} has ${Math.ceil(megabytes)} MB over its base`)
    const variables = await inspect('container', id, '{{json .Config.Env}}')
    if (/postgres:\/\/|redis:\/\//.test(variables))
      throw new Error(`a secret is in the environment of ${service}`)
    say(service, `user ${user}, read-only, ${megabytes.toFixed(0)} MB over its base`)
  }
  const probe = readFileSync(join(root, 'infra/compose/probe-redis.ts'), 'utf8')
  await project.do(['exec', '-T', 'content', 'node', '--input-type=module-typescript', '-'], { input: probe })
  say('redis', 'content can neither write the log nor read what is not its own')
}

async function check(project: Project, origin: string): Promise<void> {
  const began = performance.now()
  // The other services run from the same two images.
  await project.do(['build', ...OWN_IMAGES])
  say('build', `images of both services (${since(began)})`)
  const from = performance.now()
  await project.do(['up', '--detach'])
  await untilReady(project, origin, isPair ? PAIR_SERVICES : SERVICES)
  say('up', `every container healthy (${since(from)})`)
  await walkThrough(origin, 'from nothing')
  await (isPair ? checkPair(project, origin) : restartEach(project, origin))
}

/** What is shown at `/docs` is the document of both services. */
async function checkDocs(origin: string): Promise<void> {
  const page = await fetch(`${origin}/docs`)
  if (!page.ok || !(await page.text()).includes('swagger-ui')) throw new Error('/docs shows nothing')
  for (const path of ['/docs/json', '/openapi.json']) {
    const document = await fetchDocument(`${origin}${path}`)
    for (const own of ['/api/v1/login', '/api/v1/posts'])
      if (!(own in document.paths)) throw new Error(`${own} is not in ${path}`)
  }
  say('docs', 'one document of both services')
}

async function restartEach(project: Project, origin: string): Promise<void> {
  await checkContainers(project)
  await checkDocs(origin)
  for (const service of SERVICES) {
    const at = performance.now()
    await project.do(['restart', service])
    await untilReady(project, origin, SERVICES)
    await walkThrough(origin, `${service} restarted in ${since(at)}`)
  }
  await project.do(['up', '--detach'])
  await untilReady(project, origin, SERVICES)
  await walkThrough(origin, 'brought up once more')
}

async function main(): Promise<number> {
  const engine = await findEngine()
  if ('reason' in engine) {
    console.log(`SKIPPED the check of docker-compose.yml: ${engine.reason}`)
    return 0
  }
  for (const image of PUBLIC_IMAGES) {
    if (await findImage(image)) continue
    console.log(
      `SKIPPED the check of docker-compose.yml: the image ${image} is not here and cannot be pulled`,
    )
    return 0
  }
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const project = new Project(engine.compose, {
    COMPOSE_PROJECT_NAME: `portcullis-check-${process.pid}`,
    PORTCULLIS_VERSION: 'check',
    GATEWAY_PORT: String(port),
    ORIGIN: origin,
    COMPOSE_PROFILES: isPair ? 'ha' : '',
    ...(isPair && { RATE_LIMIT_MAX: '0' }),
  })
  say('engine', engine.compose.join(' '))
  const takeDown = () => project.do(['down', '--volumes', '--remove-orphans', '--timeout', '5'])
  const interrupt = () => void takeDown().finally(() => process.exit(1))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupt)
  onParentGone(interrupt)
  try {
    await check(project, origin)
    return 0
  } catch (error) {
    complain('failed', messageOf(error))
    console.error(await project.do(['logs', '--no-color', '--tail', '40']).catch(messageOf))
    return 1
  } finally {
    await takeDown()
    await runProgram('docker', ['image', 'rm', ...OWN_IMAGES.map((name) => `portcullis-${name}:check`)])
    await runProgram('docker', ['image', 'prune', '--force', '--filter', 'label=portcullis.stage=build'])
  }
}

const began = performance.now()
const code = await main()
if (code === 0) say('done', `after ${since(began)}`)
process.exit(code)
