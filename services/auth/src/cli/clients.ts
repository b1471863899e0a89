import { Command } from 'commander'
import { insertClient } from '../clients/queries.ts'
import { hashClientSecret, newClientSecret } from '../clients/secret.ts'
import { commandConfigs, readCommandConfig } from '../config.ts'
import { withDatabase } from './database.ts'

interface CreateOptions {
  readonly scope: string
  readonly name?: string
  readonly ifNone?: boolean
}

export function clientsCommand(): Command {
  const create = new Command('create')
    .description('Register a client; its secret is CLIENT_SECRET, or a new one that is printed once')
    .argument('<client_id>', 'letters, digits, dots, underscores and hyphens')
    .requiredOption('--scope <scopes>', 'what it may do, separated by spaces')
    .option('--name <name>', 'for people to read')
    .option('--if-none', 'do nothing if the client is there already')
    .action(createClient)
  return new Command('clients').description('Registered clients').addCommand(create)
}

async function createClient(clientId: string, options: CreateOptions, command: Command): Promise<void> {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(clientId))
    command.error('error: a client id has 1 to 64 letters, digits, dots, underscores or hyphens')
  const config = readCommandConfig(commandConfigs.clients)
  const secret = config.CLIENT_SECRET ?? newClientSecret()
  const isNew = await withDatabase(config, ({ db }) =>
    insertClient(db, {
      client_id: clientId,
      name: options.name ?? clientId,
      secret_hash: hashClientSecret(secret),
      scopes: options.scope.split(/\s+/).filter((scope) => scope !== ''),
    }),
  )
  if (!isNew && options.ifNone !== true) command.error(`error: there is a client ${clientId} already`)
  if (isNew && config.CLIENT_SECRET === undefined) console.log(`client_secret: ${secret}`)
}
