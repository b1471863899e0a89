import type { Command } from 'commander'
import { Compile } from 'typebox/compile'
import { ClientIdSchema, ClientNameSchema, ScopesSchema } from '@portcullis/schemas'
import {
  changeClient,
  createClient,
  deleteClient,
  isReservedClientId,
  rotateClientSecret,
  type ChangedClient,
} from '../clients/manage.ts'
import { findClientById, listClients, type ShownClient } from '../clients/queries.ts'
import { commandConfigs } from '../config.ts'
import { awaitVerifiers } from './await-verifiers.ts'
import { Refusal, type Context } from './context.ts'
import type { Fields } from './output.ts'
import { withStores, type Stores } from './stores.ts'

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

export function addClientsCommands(program: Command, context: Context): void {
  const clients = program.command('clients').description('Registered clients')
  clients
    .command('create')
    .description('Register a client; its secret is CLIENT_SECRET, or a new one that is printed once')
    .argument('<client_id>', 'letters, digits, dots, underscores and hyphens')
    .requiredOption('--scope <scopes>', 'what it may do, separated by spaces')
    .option('--name <name>', 'for people to read')
    .option('--if-none', 'do nothing if the client is there already')
    .action((clientId: string, options: CreateOptions) => create(context, clientId, options))
  clients
    .command('list')
    .description('List clients, newest first: id, status, scopes and name')
    .action(() => list(context))

  const onClient = (name: string, description: string, act: Action) =>
    clients
      .command(name)
      .description(description)
      .argument('<client_id>')
      .action((clientId: string) => runOnClient(context, clientId, act))
  onClient('show', 'Show a client', show)
  onClient('disable', 'Disable a client: it gets no tokens, and those it has die', setStatus('disabled'))
  onClient('enable', 'Let a client that was disabled have tokens again', setStatus('active'))
  onClient(
    'rotate-secret',
    'Give a client another secret, CLIENT_SECRET or a new one that is printed once; the old one and its tokens die',
    (stores, clientId, { CLIENT_SECRET }) => rotateClientSecret(stores, clientId, CLIENT_SECRET),
  )
  onClient('delete', 'Delete a client: its tokens die', deleteClient)
}

async function create(context: Context, clientId: string, options: CreateOptions): Promise<void> {
  const { scope, name = clientId, ifNone } = options
  const scopes = [...new Set(scope.split(/\s+/).filter((part) => part !== ''))]
  if (!isClientId.Check(clientId))
    throw new Refusal(
      'a client id has 1 to 64 letters, digits, dots, underscores or hyphens, and is not . or ..',
    )
  if (isReservedClientId(clientId))
    throw new Refusal(`${clientId} is reserved for logins and for auth itself`)
  if (!isScopes.Check(scopes)) throw new Refusal('at most 16 scopes of up to 60 printable characters each')
  if (!isName.Check(name)) throw new Refusal('a name has 1 to 200 characters')
  const config = context.config(commandConfigs.clients)
  await withStores(config, async ({ db }) => {
    context.holdSignals()
    const created = await createClient(db, { client_id: clientId, name, scopes }, config.CLIENT_SECRET)
    if (!created && ifNone !== true) throw new Refusal(`there is a client ${clientId} already`)
    const client = created ?? (await findClientById(db, clientId))
    if (client) await context.out.document(shown(client, config))
  })
}

async function list(context: Context): Promise<void> {
  const clients = await withStores(context.config(commandConfigs.clients), ({ db }) =>
    listClients(db, { limit: MAX_LISTED }),
  )
  for (const { client_id, status, scopes, name } of clients)
    await context.out.row({ client_id, status, scopes, name })
}

interface Settings {
  readonly CLIENT_SECRET?: string
  readonly REVOCATION_REDIS_URL?: string
}

type Shown = Readonly<Record<keyof ShownClient, unknown>> & { readonly client_secret?: string }
type Changed = ChangedClient<Shown>

/** What a command does to a client; undefined if there is none. */
type Action = (stores: Stores, clientId: string, settings: Settings) => Promise<Changed | undefined>

async function runOnClient(context: Context, clientId: string, act: Action): Promise<void> {
  const config = context.config(commandConfigs.clients)
  await withStores(config, async (stores) => {
    // Whatever comes after the commit, the secret is told.
    context.holdSignals()
    const changed = isClientId.Check(clientId) ? await act(stores, clientId, config) : undefined
    if (!changed) throw new Refusal(`there is no client ${clientId}`)
    const settled = await awaitVerifiers(context, stores, config, changed.receipt)
    await context.out.document({ ...shown(changed.client, config), ...settled })
  })
}

const show: Action = async ({ db }, clientId) => {
  const client = await findClientById(db, clientId)
  return client && { client, receipt: undefined }
}

const setStatus =
  (status: 'active' | 'disabled'): Action =>
  (stores, clientId) =>
    changeClient(stores, clientId, { status })

/** The client; with its secret only where nobody has chosen it. */
function shown(client: Shown, { CLIENT_SECRET }: Settings): Fields {
  const { client_id, name, status, scopes, created_at, updated_at, client_secret } = client
  const known = { client_id, name, status, scopes, created_at, updated_at }
  return CLIENT_SECRET === undefined ? { ...known, client_secret } : known
}
