import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { MAX_ACCESS_TTL_SECONDS } from '@portcullis/schemas'
import { commandConfigs, readCommandConfig } from '../config.ts'
import { listKeys, listPublishedSigningKeys } from '../keys/queries.ts'
import { asJwk, toPem } from '../keys/read.ts'
import {
  giveUpRefreshKeys,
  rotateRefreshKey,
  rotateSigningKeys,
  withSpares,
  type KeyMaker,
} from '../keys/rotate.ts'
import { createSealer } from '../keys/seal.ts'
import { awaitVerifiers } from './await-verifiers.ts'
import { withDatabase, type Stores } from './database.ts'

type KeyConfig = ReturnType<typeof readKeyConfig>

interface RotateOptions {
  readonly compromised?: boolean
  readonly refresh?: boolean
}

export function keysCommand(): Command {
  return new Command('keys')
    .description('The keys that sign access tokens, and those of refresh tokens')
    .addCommand(
      new Command('list')
        .description('List keys, newest first: use, kid, algorithm, state and times, separated by tabs')
        .action(runList),
    )
    .addCommand(
      new Command('rotate')
        .description('Let the published standby sign from now on; what the key before has signed stays good')
        .option('--refresh', 'the key of refresh tokens instead')
        .option('--compromised', 'at once, and nothing that the key before has signed is good any more')
        .action(runRotate),
    )
    .addCommand(
      new Command('export-pem')
        .description('Print the public keys (PEM), first the one that signs, or write them to 1.pem, 2.pem …')
        .argument('[folder]', 'made if need be')
        .option('--files <number>', 'write at least as many, repeating the last key', '3')
        .action(runExport),
    )
}

export function readKeyConfig() {
  return readCommandConfig(commandConfigs.keys)
}

export function keyMakerOf(config: KeyConfig): KeyMaker {
  return {
    sealer: createSealer(config.KEY_ENCRYPTION_KEY, config.KEY_ENCRYPTION_KEY_PREVIOUS),
    algorithm: config.SIGNING_ALGORITHM,
  }
}

async function runList(): Promise<void> {
  const { signing, refresh } = await withDatabase(readKeyConfig(), ({ db }) => listKeys(db))
  const print = (...fields: (string | Date | null)[]) =>
    console.log(
      fields.map((field) => (field instanceof Date ? field.toISOString() : (field ?? '-'))).join('\t'),
    )
  for (const key of signing)
    print('signing', key.kid, key.alg, key.state, key.created_at, key.activated_at, key.retired_at)
  for (const key of refresh)
    print('refresh', key.kid, 'HS256', key.state, key.created_at, key.created_at, key.retired_at)
}

async function runRotate(options: RotateOptions, command: Command): Promise<void> {
  const config = readKeyConfig()
  const maker = await withSpares(keyMakerOf(config))
  await withDatabase(config, async (stores) => {
    const rotate = options.refresh ? rotateRefresh : rotateSigning
    const refused = await rotate(stores, config, maker, options.compromised ?? false)
    if (refused !== undefined) command.error(`error: ${refused}`)
  })
}

/** Undefined, or why not. */
type Rotate = (
  stores: Stores,
  config: KeyConfig,
  maker: KeyMaker,
  isCompromised: boolean,
) => Promise<string | undefined>

const rotateSigning: Rotate = async (stores, config, maker, isCompromised) => {
  const { value, receipt } = await stores.transact(async (trx) => {
    const rotated = await rotateSigningKeys(trx, maker, { isCompromised })
    const isRevoked = isCompromised && rotated.outcome === 'rotated'
    return { value: rotated, revoke: isRevoked ? { kind: 'key', key: rotated.from } : undefined }
  })
  if (value.outcome === 'too early')
    return `the standby has to be published for ${value.waitSeconds} s more, lest verifiers refuse what it signs`
  console.log(`signs: ${value.to}`)
  console.log(`${isCompromised ? 'given_up' : 'retired'}: ${value.from}`)
  if (receipt) await awaitVerifiers(stores, config, receipt)
  return undefined
}

const rotateRefresh: Rotate = async (stores, config, maker, isCompromised) => {
  const { receipt } = await stores.transact(async (trx) => {
    if (!isCompromised) return { value: await rotateRefreshKey(trx, maker) }
    const [kid] = await giveUpRefreshKeys(trx, maker)
    // No verifier knows this key; by the event every instance of auth learns at once that it is to be forgotten.
    return { value: undefined, revoke: kid === undefined ? undefined : { kind: 'key', key: kid } }
  })
  console.log('refresh tokens are signed by a new key')
  if (receipt) await awaitVerifiers(stores, config, receipt)
  return undefined
}

async function runExport(
  folder: string | undefined,
  { files }: { readonly files: string },
  command: Command,
): Promise<void> {
  const count = Number(files)
  if (!Number.isInteger(count) || count < 1 || count > 100)
    command.error('error: --files takes a number up to 100')
  const config = readKeyConfig()
  const keys = await withDatabase(config, ({ db }) =>
    listPublishedSigningKeys(db, config.SIGNING_ALGORITHM, MAX_ACCESS_TTL_SECONDS),
  )
  const order = ['active', 'standby', 'retired']
  const pems = keys
    .toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
    .map((key) => toPem(asJwk(key.public_jwk)))
  if (pems.length === 0) command.error('error: there are no keys yet; auth makes them when it first starts')
  if (folder === undefined) return console.log(pems.join('').trimEnd())
  mkdirSync(folder, { recursive: true })
  for (let i = 0; i < Math.max(count, pems.length); i++)
    writeFileSync(join(folder, `${i + 1}.pem`), pems[i] ?? pems.at(-1) ?? '')
}
