import type { Command } from 'commander'
import type { Kysely } from 'kysely'
import { Value } from 'typebox/value'
import { MAX_ROLES_PER_USER, UserRolesBodySchema, UserStatusSchema } from '@portcullis/schemas'
import { commandConfigs } from '../config.ts'
import type { DB } from '../database/tables.ts'
import type { Receipt } from '../database/transaction.ts'
import { listSessionsOfUser } from '../sessions/lists.ts'
import { listUsers } from '../users/list.ts'
import { readAll } from '@portcullis/service-kit'
import { changeRoles } from '../users/change-roles.ts'
import { changeStatus } from '../users/change-status.ts'
import { byOperator } from '../users/lock-user.ts'
import { logoutUser } from '../users/logout.ts'
import { findUserByName, type ShownUser } from '../users/queries.ts'
import { awaitVerifiers } from './await-verifiers.ts'
import { Refusal, type Context } from './context.ts'
import type { Fields } from './output.ts'
import { withStores, type Stores } from './stores.ts'
import { addImportCommand } from './users-import.ts'

interface ListOptions {
  readonly username?: string
  readonly role?: string
  readonly status?: string
}

const USER = 'id, username or email'

export function addUsersCommands(program: Command, context: Context): void {
  const users = program.command('users').description('Users')
  users
    .command('list')
    .description('List users, newest first: id, username, email, full name, roles, status and times')
    .option('--username <prefix>', 'those whose names begin so')
    .option('--role <name>', 'those who have a role')
    .option('--status <status>', 'active or disabled')
    .action((options: ListOptions) => list(context, options))
  users
    .command('show')
    .description('Show a user')
    .argument('<user>', USER)
    .action((name: string) => show(context, name))

  const onUser = (name: string, description: string, act: Action) =>
    users
      .command(name)
      .description(description)
      .argument('<user>', USER)
      .action((user: string) => runOnUser(context, user, act))
  onUser(
    'disable',
    'Disable a user: sessions end, tokens die, and nobody logs in as them',
    setStatus('disabled'),
  )
  onUser('enable', 'Let a user log in again who was disabled', setStatus('active'))
  onUser('logout', 'Log a user out on every device: sessions end, tokens die', logout)
  users
    .command('set-roles')
    .description('Give a user these roles in the place of others; access tokens die, sessions live on')
    .argument('<user>', USER)
    .argument('<roles...>', 'such as: user moderator')
    .action((user: string, roles: string[]) => runOnUser(context, user, setRoles(roles)))
  addImportCommand(users, context)
}

/** @throws {Refusal} if there is no such user */
export async function userOf(db: Kysely<DB>, name: string): Promise<ShownUser> {
  const user = await findUserByName(db, name)
  if (!user) throw new Refusal(`there is no user ${name}`)
  return user
}

async function list({ config, out }: Context, { username, role, status }: ListOptions): Promise<void> {
  if (status !== undefined && !Value.Check(UserStatusSchema, status))
    throw new Refusal('--status takes active or disabled')
  await withStores(config(commandConfigs.users), async ({ db }) => {
    const filter = { prefix: username, role, status }
    for await (const user of readAll((page) => listUsers(db, filter, page))) await out.row(user)
  })
}

async function show({ config, out }: Context, name: string): Promise<void> {
  await withStores(config(commandConfigs.users), async ({ db, now }) => {
    const user = await userOf(db, name)
    let sessions = 0
    const at = new Date(now())
    for await (const _ of readAll((page) => listSessionsOfUser(db, user.id, at, page))) sessions++
    await out.document({ ...user, sessions })
  })
}

/** What was done to a user, and what is to be waited for. */
interface Done {
  readonly shown: Fields
  readonly receipt: Receipt | undefined
}

/** What a command does to a user. @throws {Refusal} why it does not */
type Action = (stores: Stores, user: ShownUser) => Promise<Done>

async function runOnUser(context: Context, name: string, act: Action): Promise<void> {
  const config = context.config(commandConfigs.users)
  const run = async (stores: Stores) => {
    const user = await userOf(stores.db, name)
    const done = await act(stores, user)
    const settled = await awaitVerifiers(context, stores, config, done.receipt)
    await context.out.document({ ...done.shown, ...settled })
  }
  // However many sessions there are to be ended.
  await withStores(config, run, { isPatient: true })
}

const REFUSALS: Readonly<Record<string, string>> = {
  AUTH_LAST_ADMIN: 'this is the last active admin; make another active user an admin first',
  NOT_FOUND: 'the user has just been deleted',
}

function refusalOf(outcome: string): Refusal {
  return new Refusal(REFUSALS[outcome] ?? outcome)
}

const setStatus =
  (status: ShownUser['status']): Action =>
  async (stores, { id }) => {
    const changed = await changeStatus(stores, byOperator, id, status)
    if (changed.outcome !== 'changed') throw refusalOf(changed.outcome)
    return { shown: changed.user, receipt: changed.receipt }
  }

const logout: Action = async (stores, { id, username }) => {
  const done = await logoutUser(stores, byOperator, id)
  if (done.outcome !== 'logged_out') throw refusalOf(done.outcome)
  return { shown: { id, username, revoked: done.revoked }, receipt: done.receipt }
}

const setRoles =
  (roles: readonly string[]): Action =>
  async (stores, { id }) => {
    if (!Value.Check(UserRolesBodySchema, { roles: [...new Set(roles)] }))
      throw new Refusal(
        `at most ${MAX_ROLES_PER_USER} roles, each of 1 to 32 lower-case letters, digits, underscores or hyphens`,
      )
    const changed = await changeRoles(stores, byOperator, id, () => roles)
    if (changed.outcome === 'unknown_roles') throw new Refusal(`there is no role ${changed.names.join(', ')}`)
    if (changed.outcome !== 'changed') throw refusalOf(changed.outcome)
    return { shown: changed.user, receipt: changed.receipt }
  }
