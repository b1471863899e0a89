import { spawn } from 'node:child_process'
import { root } from '../dev/places.ts'

export interface Output {
  readonly code: number
  readonly text: string
  readonly errors: string
}

/** Runs a program to its end in the checkout; what it prints is kept, and shown with `show`. */
export function run(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; input?: string; show?: boolean } = {},
): Promise<Output> {
  return new Promise((resolve) => {
    let text = ''
    let errors = ''
    const child = spawn(command, args, { cwd: root, env: { ...process.env, ...options.env } })
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (options.show === true) process.stdout.write(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
      if (options.show === true) process.stderr.write(chunk)
    })
    child.on('error', (error) => resolve({ code: 127, text, errors: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, text, errors }))
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
  })
}

/** The command of docker compose: version 2, which is a plugin, else version 1. */
export type ComposeCommand = readonly [command: string, ...args: string[]]

/** Docker and its compose, or why there is none. */
export async function findEngine(): Promise<{ compose: ComposeCommand } | { reason: string }> {
  const engine = await run('docker', ['info', '--format', '{{.ServerVersion}}'])
  if (engine.code !== 0) {
    const [line] = engine.errors.trim().split('\n')
    return { reason: `no container engine answers (docker info: ${line})` }
  }
  for (const command of [['docker', 'compose'], ['docker-compose']] as const) {
    const [program, ...args] = command
    const { code } = await run(program, [...args, 'version'])
    if (code === 0) return { compose: command }
  }
  return { reason: 'there is neither docker compose nor docker-compose' }
}

/** Whether an image is there, or can be pulled. */
export async function findImage(name: string): Promise<boolean> {
  const { code } = await run('docker', ['image', 'inspect', name])
  return code === 0 || (await run('docker', ['pull', '--quiet', name])).code === 0
}

/** A project of docker compose: its own containers, networks and volumes. */
export class Project {
  readonly #compose: ComposeCommand
  readonly #env: NodeJS.ProcessEnv

  constructor(compose: ComposeCommand, env: NodeJS.ProcessEnv & { COMPOSE_PROJECT_NAME: string }) {
    this.#compose = compose
    this.#env = env
  }

  /** @throws Error with what the command wrote if it fails. */
  async do(args: readonly string[], options: { input?: string; show?: boolean } = {}): Promise<string> {
    const [program, ...first] = this.#compose
    const { code, text, errors } = await run(program, [...first, ...args], { ...options, env: this.#env })
    if (code !== 0) throw new Error(`${[...this.#compose, ...args].join(' ')}:\n${errors.trim()}`)
    return text
  }

  /** Ids of a service's containers, stopped ones included. */
  async containers(service: string): Promise<string[]> {
    // Version 1 lists those of services that have ended without being asked, and does not know --all with -q.
    const text = await this.do(['ps', '-q', service])
    return text.split('\n').filter((line) => line !== '')
  }
}

/** A part of what Docker tells of a container or an image, by a template of Go. */
export async function inspect(what: 'container' | 'image', id: string, template: string): Promise<string> {
  const { code, text, errors } = await run('docker', [what, 'inspect', '--format', template, id])
  if (code !== 0) throw new Error(`docker ${what} inspect ${id}: ${errors.trim()}`)
  return text.trim()
}
