import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Kysely } from 'kysely'
import type { Static } from 'typebox'
import { commandConfigs } from '../config.ts'
import type { Receipt } from '../database/transaction.ts'
import type { DB } from '../database/tables.ts'
import {
  RETIRED_PUBLISHED_SECONDS,
  listKeys,
  listKeysInUse,
  listPublishedSigningKeys,
} from '../keys/queries.ts'
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
import { appendKeyEvent } from '../revocation/epoch.ts'
import { Refusal, type Context } from './context.ts'
import type { Fields } from './output.ts'
import { withStores, type Stores } from './stores.ts'

type KeyConfig = Static<typeof commandConfigs.keys>

interface RotateOptions {
  readonly compromised?: boolean
  readonly refresh?: boolean
}

export function addKeysCommands(program: Command, context: Context): void {
  const keys = program
    .command('keys')
    .description('The keys that sign access tokens, and those of refresh tokens')
  keys
    .command('list')
    .description('List keys, newest first: use, kid, algorithm, state and times')
    .action(() => list(context))
  keys
    .command('rotate')
    .description('Let the published standby sign from now on; what the key before has signed stays good')
    .option('--refresh', 'the key of refresh tokens instead')
    .option('--compromised', 'at once, and nothing that a key before has signed is good any more')
    .action((options: RotateOptions) => rotate(context, options))
  keys
    .command('export-pem')
    .description('Print the public keys (PEM), first the one that signs, or write them to 1.pem, 2.pem …')
    .argument('[folder]', 'made if need be')
    .option('--files <number>', 'write at least as many, repeating the last key', '3')
    .action((folder: string | undefined, { files }: { readonly files: string }) =>
      exportPem(context, folder, Number(files)),
    )
}

export function keyMakerOf(config: KeyConfig): KeyMaker {
  return {
    sealer: createSealer(config.KEY_ENCRYPTION_KEY, config.KEY_ENCRYPTION_KEY_PREVIOUS),
    algorithm: config.SIGNING_ALGORITHM,
  }
}

async function list({ config, out }: Context): Promise<void> {
  const { signing, refresh } = await withStores(config(commandConfigs.keys), ({ db }) => listKeys(db))
  for (const { kid, alg, state, created_at, activated_at, retired_at } of signing)
    await out.row({ use: 'signing', kid, alg, state, created_at, activated_at, retired_at })
  for (const { kid, state, created_at, retired_at } of refresh)
    await out.row({
      use: 'refresh',
      kid,
      alg: 'HS256',
      state,
      created_at,
      activated_at: created_at,
      retired_at,
    })
}

async function rotate(context: Context, { refresh, compromised = false }: RotateOptions): Promise<void> {
  const config = context.config(commandConfigs.keys)
  const maker = await withSpares(keyMakerOf(config))
  await withStores(config, async (stores) => {
    await refuseOtherAlgorithm(stores.db, maker.algorithm)
    await openKeysInUse(stores.db, maker)
    // Whatever comes after the commit, it is told which keys sign now.
    context.holdSignals()
    const { done, receipt } = await (refresh ? rotateRefresh : rotateSigning)(stores, maker, compromised)
    await context.out.document({ ...done, ...(await awaitVerifiers(context, stores, config, receipt)) })
  })
}

/**
 * Whoever makes keys of one algorithm retires those of the other: that is for auth to do when it starts, and no command may
 * do it because its environment lacks the setting.
 */
export async function refuseOtherAlgorithm(db: Kysely<DB>, algorithm: KeyMaker['algorithm']): Promise<void> {
  const other = (await listKeysInUse(db)).find((key) => key.alg !== algorithm)
  if (other)
    throw new Refusal(
      `SIGNING_ALGORITHM is ${algorithm} here, and the keys in use are for ${other.alg}: set it to what auth has`,
    )
}

/**
 * New keys under another sealing key than that of auth would keep it from starting.
 *
 * @throws {ConfigError} if KEY_ENCRYPTION_KEY is not the one that sealed the keys in use
 */
async function openKeysInUse(db: Kysely<DB>, { sealer, algorithm }: KeyMaker): Promise<void> {
  const keys = await listPublishedSigningKeys(db, algorithm, 0)
  for (const { kid, sealed, sealed_by } of keys) sealer.open(sealed, sealed_by, kid)
}

interface RotatedKeys {
  readonly done: Fields
  readonly receipt: Receipt | undefined
}

async function rotateSigning(stores: Stores, maker: KeyMaker, isCompromised: boolean): Promise<RotatedKeys> {
  const { value, receipt } = await stores.transact(async (trx) => {
    const rotated = await rotateSigningKeys(trx, maker, { isCompromised })
    if (rotated.outcome === 'too_early')
      throw new Refusal(
        `the standby has to be published for ${rotated.waitSeconds} s more, lest verifiers refuse what it signs`,
      )
    if (!isCompromised) return { value: rotated }
    const [kid, ...others] = rotated.from
    for (const other of others) await appendKeyEvent(trx, other)
    return { value: rotated, revoke: { kind: 'key', key: kid } }
  })
  const before = isCompromised ? { given_up: value.from } : { retired: value.from[0] }
  return { done: { signs: value.to, ...before }, receipt }
}

async function rotateRefresh(stores: Stores, maker: KeyMaker, isCompromised: boolean): Promise<RotatedKeys> {
  const { receipt } = await stores.transact(async (trx) => {
    if (!isCompromised) return { value: await rotateRefreshKey(trx, maker) }
    const [kid, ...others] = await giveUpRefreshKeys(trx, maker)
    // No verifier knows these keys; by the events every instance of auth learns at once that they are to be forgotten,
    // and does so once more if the database has lost this commit.
    for (const other of others) await appendKeyEvent(trx, other)
    return { value: undefined, revoke: kid === undefined ? undefined : { kind: 'key', key: kid } }
  })
  return { done: { refresh_tokens: 'signed by a new key' }, receipt }
}

async function exportPem({ config, out }: Context, folder: string | undefined, count: number): Promise<void> {
  if (!Number.isInteger(count) || count < 1 || count > 100)
    throw new Refusal('--files takes a number up to 100')
  const settings = config(commandConfigs.keys)
  const keys = await withStores(settings, ({ db }) =>
    listPublishedSigningKeys(db, settings.SIGNING_ALGORITHM, RETIRED_PUBLISHED_SECONDS),
  )
  const order = ['active', 'standby', 'retired']
  const sorted = keys.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
  const pems = sorted.map((key) => toPem(asJwk(key.public_jwk)))
  if (pems.length === 0) throw new Refusal('there are no keys yet; auth makes them when it first starts')
  if (folder !== undefined) writePems(folder, pems, count)
  if (out.isJson) await out.document({ keys: sorted.map(({ kid }, i) => ({ kid, pem: pems[i] })), folder })
  else if (folder === undefined) await out.text(pems.join(''))
}

/** At least as many files, the last key repeated. */
function writePems(folder: string, pems: readonly string[], count: number): void {
  try {
    mkdirSync(folder, { recursive: true })
    for (let i = 0; i < Math.max(count, pems.length); i++)
      writeFileSync(join(folder, `${i + 1}.pem`), pems[i] ?? pems.at(-1) ?? '')
  } catch (error) {
    throw new Refusal(
      `the keys cannot be written: ${error instanceof Error ? error.message : 'not an Error'}`,
    )
  }
}
