import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Teardown } from './teardown.ts'

const PATIENCE_MS = 20_000
/** Who may do everything where there are users, and as whom servers talk to each other. */
export const ADMIN = { username: 'admin', password: 'admin' }

/** A folder that goes with the test. */
export function temporaryFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Arguments for a server that is to have these users besides `admin`, each a line of an ACL file. */
export function usersArgs(folder: string, users: readonly string[] | undefined): string[] {
  if (users === undefined) return []
  const file = join(folder, 'users.acl')
  writeFileSync(file, [...users, `user ${ADMIN.username} on >${ADMIN.password} ~* &* +@all`, ''].join('\n'))
  return ['--aclfile', file, '--masteruser', ADMIN.username, '--masterauth', ADMIN.password]
}

/** Runs commands as somebody who may do everything. */
export async function asAdmin<T>(
  port: number,
  hasUsers: boolean,
  work: (admin: Redis) => Promise<T>,
): Promise<T> {
  const admin = new Redis(port, '127.0.0.1', {
    ...(hasUsers && ADMIN),
    protocol: 2,
    commandTimeout: 2000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  admin.on('error', () => undefined)
  try {
    return await work(admin)
  } finally {
    admin.disconnect()
  }
}

/** Waits until it is so; what throws is not so yet. @throws Error after 20 s */
export async function eventually(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`not after ${PATIENCE_MS / 1000} s: ${what}`)
    await sleep(25)
  }
}
