import { spawn } from 'node:child_process'
import { root } from './places.ts'

export interface Output {
  /** 127 if the program could not be started; 1 if a signal ended it. */
  readonly code: number
  readonly text: string
  /** What went to standard error, or why it could not be started. */
  readonly errors: string
}

/**
 * Runs a program to its end, and keeps what it prints.
 *
 * @param options.cwd default: the checkout
 * @param options.env all of the environment. Default: that of this process
 */
export function runProgram(
  command: string,
  args: readonly string[],
  {
    cwd = root,
    env = process.env,
    input = '',
  }: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly input?: string } = {},
): Promise<Output> {
  return new Promise((resolve) => {
    let text = ''
    let errors = ''
    const child = spawn(command, args, { cwd, env })
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    child.on('error', (error) => resolve({ code: 127, text, errors: error.message }))
    child.on('close', (code) => resolve({ code: code ?? 1, text, errors }))
    // One that ends without reading it has no need of it.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}
