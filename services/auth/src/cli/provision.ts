import type { Command } from 'commander'
import { provisionDatabase } from '@portcullis/service-kit'
import { commandConfigs } from '../config.ts'
import type { Context } from './context.ts'

export function addProvisionCommand(program: Command, context: Context): void {
  program
    .command('provision')
    .description(
      'Make the login roles and databases that DATABASE_URL and CONTENT_DATABASE_URL name, as POSTGRES_ADMIN_URL',
    )
    .action(async () => {
      const config = context.config(commandConfigs.provision)
      const urls = { auth: config.DATABASE_URL, content: config.CONTENT_DATABASE_URL }
      const done: Record<string, string> = {}
      for (const [service, databaseUrl] of Object.entries(urls)) {
        if (databaseUrl === undefined) continue
        const isNew = await provisionDatabase({ adminUrl: config.POSTGRES_ADMIN_URL, databaseUrl })
        done[service] = isNew ? 'made the database' : 'the database is there'
      }
      await context.out.document(done)
    })
}
