import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { home, homeFolder } from './places.ts'
import { commandOf } from './processes.ts'

/**
 * Makes `.portcullis/<name>-<pid>` for the data of this run, and deletes those of runs that were killed.
 *
 * @param program part of the command line of such a run, such as `infra/gateways/`
 */
export function runFolder(name: string, program: string): string {
  for (const entry of readdirSync(homeFolder())) {
    const [, pid] = new RegExp(`^${name}-(\\d+)$`).exec(entry) ?? []
    if (pid === undefined || commandOf(Number(pid))?.includes(program)) continue
    rmSync(join(home, entry), { recursive: true, force: true })
  }
  return homeFolder(`${name}-${process.pid}`)
}
