import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The checkout. */
export const root = resolve(import.meta.dirname, '../..')
/** What the project keeps on this machine; ignored by git, closed to others. */
const kept = join(root, '.portcullis')
/** Programs that were fetched. */
export const programs = join(kept, 'debian')
/** What a run needs and makes; a folder of its own lets a second one run from the same checkout. */
export const home = process.env['PORTCULLIS_HOME'] || kept

/** Makes a folder below `.portcullis/`, closed to others, and gives its path. */
export function homeFolder(...names: string[]): string {
  const folder = join(home, ...names)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

/** Folders of migrations. */
export const migrations = {
  auth: join(root, 'migrations/auth'),
  content: join(root, 'migrations/content'),
} as const

export type ServiceName = keyof typeof migrations
