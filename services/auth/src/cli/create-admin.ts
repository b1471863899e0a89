import { randomBytes } from 'node:crypto'
import { Command } from 'commander'
import { Value } from 'typebox/value'
import { PasswordSchema, UsernameSchema } from '@portcullis/schemas'
import { commandConfigs, readCommandConfig } from '../config.ts'
import { isCommonPassword } from '../passwords/common.ts'
import { PasswordHasher } from '../passwords/hasher.ts'
import { createUser } from '../users/create.ts'
import { hasActiveAdmin } from '../users/queries.ts'
import { withDatabase } from './database.ts'

export function createAdminCommand(): Command {
  return new Command('create-admin')
    .description(
      'Make a user with the role admin; the password is ADMIN_PASSWORD, or a new one that is printed once',
    )
    .option('--username <name>', 'its username', 'admin')
    .option('--if-none', 'do nothing if there is an active admin')
    .action(
      async ({ username, ifNone = false }: { username: string; ifNone?: boolean }, command: Command) => {
        const config = readCommandConfig(commandConfigs.createAdmin)
        const password = config.ADMIN_PASSWORD ?? randomBytes(15).toString('base64url')
        if (!Value.Check(UsernameSchema, username))
          command.error('error: a username has 3 to 32 letters, digits, dots, underscores or hyphens')
        if (!Value.Check(PasswordSchema, password) || isCommonPassword(password))
          command.error('error: ADMIN_PASSWORD needs 8 to 256 characters and must not be a common password')

        await withDatabase(config, async ({ db, transact }) => {
          if (ifNone && (await hasActiveAdmin(db))) return
          const hasher = new PasswordHasher({
            memoryKib: config.ARGON2_MEMORY_KIB,
            timeCost: config.ARGON2_TIME_COST,
            parallelism: config.ARGON2_PARALLELISM,
          })
          const password_hash = await hasher.hash(password)
          await createUser({ transact }, { username, email: null, password_hash, roles: ['user', 'admin'] })
          console.log(`username: ${username}`)
          if (config.ADMIN_PASSWORD === undefined) console.log(`password: ${password}`)
        })
      },
    )
}
