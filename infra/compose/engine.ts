import { runProgram } from '../dev/run-program.ts'

/** The command of docker compose: version 2, which is a plugin, else version 1. */
type ComposeCommand = readonly [command: string, ...args: string[]]

/** Docker and its compose, or why there is none. */
export async function findEngine(): Promise<{ compose: ComposeCommand } | { reason: string }> {
  const engine = await runProgram('docker', ['info', '--format', '{{.ServerVersion}}'])
  if (engine.code !== 0) {
    const [line] = engine.errors.trim().split('\n')
    return { reason: `no container engine answers (docker info: ${line})` }
  }
  for (const command of [['docker', 'compose'], ['docker-compose']] as const) {
    const [program, ...args] = command
    const { code } = await runProgram(program, [...args, 'version'])
    if (code === 0) return { compose: command }
  }
  return { reason: 'there is neither docker compose nor docker-compose' }
}

/** Whether an image is there, or can be pulled. */
export async function findImage(name: string): Promise<boolean> {
  const { code } = await runProgram('docker', ['image', 'inspect', name])
  return code === 0 || (await runProgram('docker', ['pull', '--quiet', name])).code === 0
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
  async do(args: readonly string[], options: { input?: string } = {}): Promise<string> {
    const [program, ...first] = this.#compose
    const env = { ...process.env, ...this.#env }
    const { code, text, errors } = await runProgram(program, [...first, ...args], { ...options, env })
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
  const { code, text, errors } = await runProgram('docker', [what, 'inspect', '--format', template, id])
  if (code !== 0) throw new Error(`docker ${what} inspect ${id}: ${errors.trim()}`)
  return text.trim()
}
