import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from '../dev/places.ts'
import { freePort } from '../dev/ports.ts'
import { onParentGone } from '../dev/processes.ts'
import { complain, say, since } from '../dev/screen.ts'
import { messageOf } from '../dev/stop-error.ts'
import { walk } from '../dev/walk-fetch.ts'
import { steps } from '../dev/walk-steps.ts'
import { findEngine, inspect, Project, run } from './engine.ts'

/**
 * `npm run compose`: builds the images, brings the stack of docker-compose.yml up from nothing, walks through the
 * gateway, restarts each container in turn and walks again, and takes everything down.
 */
const SERVICES = ['redis', 'postgres', 'auth', 'content', 'gateway'] as const
const OWN_IMAGES = ['auth', 'content'] as const
const BASE_IMAGE = 'node:26-bookworm-slim'
const MAX_MEGABYTES_OVER_BASE = 120
const READY_PATIENCE_MS = 120_000

async function walkThrough(origin: string, when: string): Promise<void> {
  const began = performance.now()
  let right = 0
  for await (const { step, status, text } of walk(origin)) {
    if (status !== step.status)
      throw new Error(
        `${when}: ${step.title} answered ${status} instead of ${step.status}: ${text.slice(0, 500)}`,
      )
    right += 1
  }
  if (right !== steps.length) throw new Error(`${when}: only ${right} of ${steps.length} steps were made`)
  say('walk', `${when}: ${right} steps as expected (${since(began)})`)
}

async function isReady(origin: string): Promise<boolean> {
  try {
    const response = await fetch(`${origin}/health/ready`, { signal: AbortSignal.timeout(2000) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

/** Resolves when every container is healthy and the gateway says that both services are ready. */
async function untilReady(project: Project, origin: string): Promise<void> {
  const deadline = performance.now() + READY_PATIENCE_MS
  for (;;) {
    const states = await Promise.all(
      SERVICES.map(async (service) => {
        const ids = await project.containers(service)
        const healths = await Promise.all(
          ids.map((id) => inspect('container', id, '{{.State.Health.Status}}')),
        )
        return healths.length > 0 && healths.every((health) => health === 'healthy') ? [] : [service]
      }),
    )
    const waiting = states.flat()
    if (waiting.length === 0 && (await isReady(origin))) return
    if (performance.now() > deadline)
      throw new Error(`not ready after ${READY_PATIENCE_MS / 1000} s: ${waiting.join(', ') || 'the gateway'}`)
    await sleep(250)
  }
}

/** What the containers may not be, whatever they do: root, writable, large. */
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
  await project.do(['build'])
  say('build', `images of both services (${since(began)})`)
  const from = performance.now()
  await project.do(['up', '--detach'])
  await untilReady(project, origin)
  say('up', `every container healthy (${since(from)})`)
  await walkThrough(origin, 'from nothing')
  await checkContainers(project)

  for (const service of SERVICES) {
    const at = performance.now()
    await project.do(['restart', service])
    await untilReady(project, origin)
    await walkThrough(origin, `${service} restarted in ${since(at)}`)
  }
  await project.do(['up', '--detach'])
  await untilReady(project, origin)
  await walkThrough(origin, 'brought up once more')
}

async function main(): Promise<number> {
  const engine = await findEngine()
  if ('reason' in engine) {
    console.log(`SKIPPED the check of docker-compose.yml: ${engine.reason}`)
    return 0
  }
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const project = new Project(engine.compose, {
    COMPOSE_PROJECT_NAME: `portcullis-check-${process.pid}`,
    PORTCULLIS_VERSION: 'check',
    GATEWAY_PORT: String(port),
    ORIGIN: origin,
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
    await run('docker', ['image', 'rm', ...OWN_IMAGES.map((name) => `portcullis-${name}:check`)])
  }
}

const began = performance.now()
const code = await main()
if (code === 0) say('done', `after ${since(began)}`)
process.exit(code)
