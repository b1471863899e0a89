import { Command } from 'commander'
import { provisionDatabase } from '@portcullis/service-kit'
import { commandConfigs, readCommandConfig } from '../config.ts'

export function provisionCommand(): Command {
  return new Command('provision')
    .description(
      'Make the login roles and databases that DATABASE_URL and CONTENT_DATABASE_URL name, as POSTGRES_ADMIN_URL',
    )
    .action(async () => {
      const config = readCommandConfig(commandConfigs.provision)
      const urls = { auth: config.DATABASE_URL, content: config.CONTENT_DATABASE_URL }
      for (const [service, databaseUrl] of Object.entries(urls)) {
        if (databaseUrl === undefined) continue
        const isNew = await provisionDatabase({ adminUrl: config.POSTGRES_ADMIN_URL, databaseUrl })
        console.log(`${service}: ${isNew ? 'made the database' : 'the database is there'}`)
      }
    })
}
