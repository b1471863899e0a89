import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { Value } from 'typebox/value'
import { PasswordSchema, UsernameSchema } from '@portcullis/schemas'
import { commandConfigs } from '../config.ts'
import { isCommonPassword } from '../passwords/common.ts'
import { PasswordHasher } from '../passwords/hasher.ts'
import { hasActiveAdmin } from '../users/admins.ts'
import { createUser } from '../users/create.ts'
import { Refusal, type Context } from './context.ts'
import { withStores } from './stores.ts'

interface Options {
  readonly username: string
  readonly ifNone?: boolean
}

export function addCreateAdminCommand(program: Command, context: Context): void {
  program
    .command('create-admin')
    .description(
      'Make a user with the role admin; the password is ADMIN_PASSWORD, or a new one that is printed once',
    )
    .option('--username <name>', 'its username', 'admin')
    .option('--if-none', 'do nothing if there is an active admin')
    .action((options: Options) => createAdmin(context, options))
}

async function createAdmin(context: Context, { username, ifNone = false }: Options): Promise<void> {
  const config = context.config(commandConfigs.createAdmin)
  const password = config.ADMIN_PASSWORD ?? randomBytes(16).toString('base64url')
  if (!Value.Check(UsernameSchema, username))
    throw new Refusal('a username has 3 to 32 letters, digits, dots, underscores or hyphens')
  if (!Value.Check(PasswordSchema, password) || isCommonPassword(password))
    throw new Refusal('ADMIN_PASSWORD needs 8 to 256 characters and must not be a common password')

  await withStores(config, async (stores) => {
    if (ifNone && (await hasActiveAdmin(stores.db))) {
      if (context.out.isJson) await context.out.document({ created: false })
      return
    }
    const hasher = new PasswordHasher({
      memoryKib: config.ARGON2_MEMORY_KIB,
      timeCost: config.ARGON2_TIME_COST,
      parallelism: config.ARGON2_PARALLELISM,
    })
    const password_hash = await hasher.hash(password)
    context.holdSignals()
    await createUser(stores, { username, email: null, password_hash, roles: ['user', 'admin'] })
    await context.out.document({
      // People see it; a program has to be told.
      ...(context.out.isJson && { created: true }),
      username,
      password: config.ADMIN_PASSWORD === undefined ? password : undefined,
    })
  })
}
