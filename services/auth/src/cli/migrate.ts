import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { migrate } from '@portcullis/service-kit'
import { commandConfigs, readCommandConfig } from '../config.ts'

/** Starters of one service wait for each other under this number. */
const LOCKS = { auth: 7_170_001, content: 7_170_002 } as const

const folderOf = (service: 'auth' | 'content') =>
  fileURLToPath(new URL(`../../../../migrations/${service}`, import.meta.url))

export function migrateCommand(): Command {
  return new Command('migrate')
    .description(
      'Bring the databases forward: that of auth, and that of content if CONTENT_DATABASE_URL is set',
    )
    .action(async () => {
      const { DATABASE_URL, CONTENT_DATABASE_URL } = readCommandConfig(commandConfigs.migrate)
      await Promise.all([
        migrateOne('auth', DATABASE_URL),
        ...(CONTENT_DATABASE_URL === undefined ? [] : [migrateOne('content', CONTENT_DATABASE_URL)]),
      ])
    })
}

async function migrateOne(service: 'auth' | 'content', databaseUrl: string): Promise<void> {
  const log = (message: string) => console.log(`${service}: ${message}`)
  const applied = await migrate({
    databaseUrl,
    folder: folderOf(service),
    lockValue: LOCKS[service],
    log,
  })
  if (applied.length === 0) log('up to date')
}
