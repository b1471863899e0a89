import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { TestAuth } from './auth.ts'

const PROGRAM = fileURLToPath(new URL('../../src/cli/portcullis.ts', import.meta.url))

export interface Run {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command of `portcullis` as an operator does, on the stores of the test. */
export function runPortcullis(
  auth: Pick<TestAuth, 'env'>,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Run> {
  const { DATABASE_URL, KEY_ENCRYPTION_KEY, REVOCATION_REDIS_URL, SIGNING_ALGORITHM } = auth.env
  const settings = { DATABASE_URL, KEY_ENCRYPTION_KEY, REVOCATION_REDIS_URL, SIGNING_ALGORITHM, ...env }
  const given = Object.entries(settings).filter(([, value]) => value !== undefined)
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--conditions=@portcullis/source', PROGRAM, ...args],
      { env: { PATH: process.env['PATH'], ...Object.fromEntries(given) } },
      (_error, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })
}
