import { spawn, type ChildProcess } from 'node:child_process'
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { isAnswered } from '../dev/answers.ts'
import { portcullis } from '../dev/first-start.ts'
import { lastWords } from '../dev/last-words.ts'
import { freePort } from '../dev/ports.ts'
import { end, hasEnded, howEnded, type Guard } from '../dev/processes.ts'
import type { Program, ProgramName } from '../dev/programs.ts'
import { serviceVariables } from '../dev/services.ts'
import { StopError } from '../dev/stop-error.ts'
import type { World } from './world.ts'

const PATIENCE_MS = 10_000

export type GatewayName = Extract<ProgramName, 'nginx' | 'caddy' | 'haproxy'>

/** A gateway that runs in front of the world. */
export interface Gateway {
  readonly name: GatewayName
  readonly url: string
  stop(): Promise<void>
}

/**
 * Starts a gateway with its configuration as it stands in this folder.
 *
 * @param folder for what it writes
 * @throws StopError with its last words if it does not start
 */
export async function startGateway(
  name: GatewayName,
  program: Program,
  world: World,
  folder: string,
  guard: Guard,
): Promise<Gateway> {
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const { args, env } = await COMMANDS[name](folder, world, port)
  const log = join(folder, `${name}.log`)
  const child = spawn(program.path, args, {
    env: { ...process.env, ...upstreams(world), ...env, ...program.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.on('error', () => undefined)
  guard.watch(child, 'SIGTERM')
  const file = createWriteStream(log)
  for (const stream of [child.stdout, child.stderr]) stream.pipe(file, { end: false })
  const url = `http://127.0.0.1:${port}`
  await untilUp(name, child, url, log)
  return { name, url, stop: () => end(child, 'SIGTERM', 1000) }
}

async function untilUp(name: string, child: ChildProcess, url: string, log: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!hasEnded(child) && performance.now() < deadline) {
    if (await isAnswered(`${url}/open/`)) return
    await sleep(50)
  }
  throw new StopError(
    `${name} does not start (${hasEnded(child) ? howEnded(child) : 'no answer'}):\n${lastWords(log)}`,
  )
}

interface Command {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

const COMMANDS: Readonly<
  Record<GatewayName, (folder: string, world: World, port: number) => Command | Promise<Command>>
> = { nginx: nginxCommand, caddy: caddyCommand, haproxy: haproxyCommand }

function upstreams({ setting: { ports }, appPort }: World): Record<string, string> {
  return {
    AUTH_UPSTREAM: `127.0.0.1:${ports.auth}`,
    CONTENT_UPSTREAM: `127.0.0.1:${ports.content}`,
    APP_UPSTREAM: `127.0.0.1:${appPort}`,
  }
}

function nginxCommand(folder: string, world: World, port: number): Command {
  const template = readFileSync(configuration('nginx', 'nginx.conf.template'), 'utf8')
  const variables = new Map(
    Object.entries({
      ...upstreams(world),
      GATEWAY_LISTEN: `127.0.0.1:${port}`,
      GATEWAY_FOLDER: folder,
    }),
  )
  const file = join(folder, 'nginx.conf')
  // As envsubst does it, for those names alone: nginx's own variables look alike.
  writeFileSync(
    file,
    template.replaceAll(/\$\{(\w+)\}/g, (text, name: string) => variables.get(name) ?? text),
  )
  return { args: ['-p', folder, '-e', 'stderr', '-c', file], env: {} }
}

function caddyCommand(folder: string, _world: World, port: number): Command {
  return {
    args: ['run', '--adapter', 'caddyfile', '--config', configuration('caddy', 'Caddyfile')],
    env: {
      GATEWAY_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      HOME: folder,
      XDG_DATA_HOME: folder,
      XDG_CONFIG_HOME: folder,
    },
  }
}

async function haproxyCommand(folder: string, world: World, port: number): Promise<Command> {
  const keys = join(folder, 'keys')
  await portcullis(['keys', 'export-pem', keys], serviceVariables('auth', world.setting))
  const redis = new URL(world.setting.redisUrl)
  await addRedisUser(redis.href)
  return {
    args: ['-db', '-C', configuration('haproxy'), '-f', 'haproxy.cfg'],
    env: {
      GATEWAY_LISTEN: `127.0.0.1:${port}`,
      GATEWAY_KEYS: keys,
      ISSUER: world.setting.origin,
      AUDIENCE: 'portcullis',
      REVOCATION_REDIS_HOST: redis.hostname,
      REVOCATION_REDIS_PORT: redis.port,
      REVOCATION_REDIS_DB: '1',
      REVOCATION_REDIS_USER: REDIS_USER.name,
      REVOCATION_REDIS_PASSWORD: REDIS_USER.password,
    },
  }
}

const REDIS_USER = { name: 'gateway', password: 'only-for-looking-up' } as const

/** A user of Redis who may look up whether something has been revoked, and nothing else. */
async function addRedisUser(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0 })
  try {
    await redis.connect()
    const rights = ['resetkeys', '-@all', '+select', '+mget', '%R~{revocations}:*']
    await redis.acl('SETUSER', REDIS_USER.name, 'on', `>${REDIS_USER.password}`, ...rights)
  } finally {
    redis.disconnect()
  }
}

function configuration(...names: string[]): string {
  return join(import.meta.dirname, ...names)
}
