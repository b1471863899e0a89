import { Command } from 'commander'
import { Compile } from 'typebox/compile'
import {
  ClientIdSchema,
  ClientNameSchema,
  LOGIN_CLIENT_ID,
  ScopesSchema,
  formatPosition,
} from '@portcullis/schemas'
import {
  changeClient,
  createClient,
  deleteClient,
  rotateClientSecret,
  type ChangedClient,
} from '../clients/manage.ts'
import { findClientById, listClients, type ShownClient } from '../clients/queries.ts'
import { commandConfigs, readCommandConfig } from '../config.ts'
import { withDatabase, type Stores } from './database.ts'

const isClientId = Compile(ClientIdSchema)
const isScopes = Compile(ScopesSchema)
const isName = Compile(ClientNameSchema)
/** More than anybody registers by hand. */
const MAX_LISTED = 10_000

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
    .action(runCreate)
  return new Command('clients')
    .description('Registered clients')
    .addCommand(create)
    .addCommand(
      new Command('list')
        .description('List clients, newest first: id, status, scopes and name, separated by tabs')
        .action(runList),
    )
    .addCommand(onClient('show', 'Show a client', show))
    .addCommand(onClient('disable', 'Disable a client: it gets no tokens, and those it has die', disable))
    .addCommand(onClient('enable', 'Let a client that was disabled have tokens again', enable))
    .addCommand(
      onClient(
        'rotate-secret',
        'Give a client another secret, CLIENT_SECRET or a new one that is printed once; the old one and its tokens die',
        rotateSecret,
      ),
    )
    .addCommand(onClient('delete', 'Delete a client: its tokens die', remove))
}

async function runCreate(clientId: string, options: CreateOptions, command: Command): Promise<void> {
  const { scope, name = clientId, ifNone } = options
  const scopes = [...new Set(scope.split(/\s+/).filter((part) => part !== ''))]
  if (!isClientId.Check(clientId))
    command.error('error: a client id has 1 to 64 letters, digits, dots, underscores or hyphens')
  if (clientId === LOGIN_CLIENT_ID) command.error(`error: ${clientId} is the client of logins`)
  if (!isScopes.Check(scopes)) command.error('error: at most 16 scopes of up to 60 printable characters each')
  if (!isName.Check(name)) command.error('error: a name has 1 to 200 characters')
  const config = readCommandConfig(commandConfigs.clients)
  const created = await withDatabase(config, ({ db }) =>
    createClient(db, { client_id: clientId, name, scopes }, config.CLIENT_SECRET),
  )
  if (!created && ifNone !== true) command.error(`error: there is a client ${clientId} already`)
  if (created && config.CLIENT_SECRET === undefined) console.log(`client_secret: ${created.client_secret}`)
}

async function runList(): Promise<void> {
  const config = readCommandConfig(commandConfigs.clients)
  const clients = await withDatabase(config, ({ db }) => listClients(db, { limit: MAX_LISTED }))
  for (const { client_id, status, scopes, name } of clients)
    console.log([client_id, status, scopes.join(' '), name].join('\t'))
}

interface Settings {
  readonly CLIENT_SECRET?: string
}

/** What a command does to a client; false if there is none. */
type Action = (stores: Stores, clientId: string, settings: Settings) => Promise<boolean>

function onClient(name: string, description: string, act: Action): Command {
  return new Command(name)
    .description(description)
    .argument('<client_id>')
    .action(async (clientId: string, _options: object, command: Command) => {
      const config = readCommandConfig(commandConfigs.clients)
      const isDone =
        isClientId.Check(clientId) && (await withDatabase(config, (stores) => act(stores, clientId, config)))
      if (!isDone) command.error(`error: there is no client ${clientId}`)
    })
}

const show: Action = async ({ db }, clientId) => {
  const client = await findClientById(db, clientId)
  if (client) print(client)
  return client !== undefined
}

const disable: Action = async (stores, clientId) =>
  report(await changeClient(stores, clientId, { status: 'disabled' }))

const enable: Action = async (stores, clientId) =>
  report(await changeClient(stores, clientId, { status: 'active' }))

const remove: Action = async (stores, clientId) => report(await deleteClient(stores, clientId))

const rotateSecret: Action = async (stores, clientId, { CLIENT_SECRET }) => {
  const rotated = await rotateClientSecret(stores, clientId, CLIENT_SECRET)
  if (rotated && CLIENT_SECRET === undefined) console.log(`client_secret: ${rotated.client.client_secret}`)
  return report(rotated)
}

/** Says where the change stands in the revocation log: verifiers that are there or beyond have applied it. */
function report(changed: ChangedClient<unknown> | undefined): boolean {
  if (changed?.receipt) console.log(`revocation_position: ${formatPosition(changed.receipt.position)}`)
  return changed !== undefined
}

function print({ client_id, name, status, scopes, created_at, updated_at }: ShownClient): void {
  console.log(`client_id: ${client_id}`)
  console.log(`name: ${name}`)
  console.log(`status: ${status}`)
  console.log(`scopes: ${scopes.join(' ')}`)
  console.log(`created_at: ${created_at.toISOString()}`)
  console.log(`updated_at: ${updated_at.toISOString()}`)
}
