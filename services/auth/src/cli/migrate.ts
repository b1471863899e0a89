import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { migrate } from '@portcullis/service-kit'
import { commandConfigs } from '../config.ts'
import type { Context } from './context.ts'

/** Where the migrations of a service are, in a checkout and in the image alike. */
export function migrationsOf(service: 'auth' | 'content'): string {
  return fileURLToPath(new URL(`../../../../migrations/${service}`, import.meta.url))
}

export function addMigrateCommand(program: Command, context: Context): void {
  program
    .command('migrate')
    .description(
      'Bring the databases forward: that of auth, and that of content if CONTENT_DATABASE_URL is set',
    )
    .action(async () => {
      const { DATABASE_URL, CONTENT_DATABASE_URL } = context.config(commandConfigs.migrate)
      const migrateOne = async (service: 'auth' | 'content', databaseUrl: string) => {
        const log = (message: string) => context.out.note(`${service}: ${message}`)
        const applied = await migrate({ databaseUrl, folder: migrationsOf(service), log })
        return [service, applied.length === 0 ? 'up to date' : applied] as const
      }
      // One after the other: if both are the same database, it is auth that it belongs to.
      const done = [await migrateOne('auth', DATABASE_URL)]
      if (CONTENT_DATABASE_URL !== undefined) done.push(await migrateOne('content', CONTENT_DATABASE_URL))
      await context.out.document(Object.fromEntries(done))
    })
}
