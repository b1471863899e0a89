import type { Command } from 'commander'
import { Value } from 'typebox/value'
import { IdSchema } from '@portcullis/schemas'
import { commandConfigs } from '../config.ts'
import { endOneSession } from '../sessions/end.ts'
import { findUserIdOfSession, listSessions } from '../sessions/lists.ts'
import { readAll } from '@portcullis/service-kit'
import { awaitVerifiers } from './await-verifiers.ts'
import { Refusal, type Context } from './context.ts'
import { withStores } from './stores.ts'
import { userOf } from './users.ts'

export function addSessionsCommands(program: Command, context: Context): void {
  const sessions = program
    .command('sessions')
    .description('Sessions of users: the devices that are logged in')
  sessions
    .command('list')
    .description('List live sessions, newest first: id, user, times, address and user agent')
    .option('--user <user>', 'those of one user: id, username or email')
    .action(({ user }: { readonly user?: string }) => list(context, user))
  sessions
    .command('end')
    .description('End a session: its tokens die')
    .argument('<id>')
    .action((id: string) => end(context, id))
}

async function list({ config, out }: Context, user: string | undefined): Promise<void> {
  await withStores(config(commandConfigs.users), async ({ db, now }) => {
    const userId = user === undefined ? undefined : (await userOf(db, user)).id
    const at = new Date(now())
    for await (const session of readAll((page) => listSessions(db, userId, at, page))) await out.row(session)
  })
}

async function end(context: Context, id: string): Promise<void> {
  const config = context.config(commandConfigs.users)
  await withStores(config, async (stores) => {
    const userId = Value.Check(IdSchema, id) ? await findUserIdOfSession(stores.db, id) : undefined
    context.holdSignals()
    const ended =
      userId === undefined ? undefined : await endOneSession(stores, userId, id, 'ended_by_operator')
    if (!ended) throw new Refusal(`there is no live session ${id}`)
    const settled = await awaitVerifiers(context, stores, config, ended.receipt)
    await context.out.document({ id, user_id: userId, ...settled })
  })
}
