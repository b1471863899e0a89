import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import type { Command } from 'commander'
import type { Kysely } from 'kysely'
import { isUniqueViolation } from '@portcullis/service-kit'
import { commandConfigs } from '../config.ts'
import type { DB } from '../database/tables.ts'
import { userTopics } from '../users/cache.ts'
import { Refusal, type Context } from './context.ts'
import { readRecords, type Format } from './import/records.ts'
import { readUser, type LineError } from './import/row.ts'
import {
  createStage,
  findConflicts,
  insertStaged,
  stageUsers,
  unstageKnown,
  type StagedUser,
} from './import/stage.ts'
import { raise, withStores } from './stores.ts'

const BATCH = 500
/** Of a file that is wrong throughout nobody reads more. */
const MAX_ERRORS = 100

interface Options {
  readonly format?: string
  readonly skipExisting?: boolean
  readonly dryRun?: boolean
}

const DESCRIPTION = `Import users from a file: all of it or nothing

JSON lines, or CSV with a header: username, password_hash and, if wanted, email, full_name, roles (in CSV separated by
spaces; "user" without), status (active or disabled) and created_at. A password_hash is a PHC string of argon2 or a hash
of bcrypt; it is replaced by one of argon2id when the user first logs in.`

export function addImportCommand(users: Command, context: Context): void {
  users
    .command('import')
    .summary('Import users with the hashes of their passwords')
    .description(DESCRIPTION)
    .argument('<file>', 'or - for standard input')
    .option('--format <format>', 'csv or jsonl; by the name of the file without')
    .option('--skip-existing', 'leave users out whose usernames are taken, instead of refusing the file')
    .option('--dry-run', 'look at the whole file, and change nothing')
    .action((file: string, options: Options) => runImport(context, file, options))
}

interface Looked {
  readonly read: number
  readonly skipped: number
  readonly errors: readonly LineError[]
}

async function runImport(context: Context, file: string, options: Options): Promise<void> {
  const { out, shell } = context
  const { dryRun = false, skipExisting = false } = options
  const format = formatOf(file, options.format)
  const config = context.config(commandConfigs.users)
  const input = file === '-' ? shell.stdin : await openFile(file)
  const done = await withStores(
    config,
    async ({ transact }) => {
      const { value } = await transact(async (trx) => {
        const looked = await stageFile(context, trx, readRecords(input, format), skipExisting)
        const isWanted = looked.errors.length === 0 && !dryRun
        return { value: { ...looked, imported: isWanted ? await insertStaged(trx) : 0 } }
      })
      return value
    },
    { isPatient: true },
  ).catch((error: unknown) => {
    throw isUniqueViolation(error)
      ? new Refusal('somebody took a username or an email of the file meanwhile; nothing was imported')
      : error
  })
  out.progress('')
  const { read, skipped, errors, imported } = done
  if (errors.length > 0) return refuse(context, read, errors)
  if (imported > 0) await raise(config.CACHE_REDIS_URL, [userTopics.newest])
  await out.document({ read, skipped, ...(dryRun ? { importable: read - skipped } : { imported }) })
}

function formatOf(file: string, given: string | undefined): Format {
  const format = given ?? /\.(csv|jsonl|ndjson)$/i.exec(file)?.[1]?.toLowerCase().replace('nd', '')
  if (format === 'csv' || format === 'jsonl') return format
  if (format === 'json') return 'jsonl'
  throw new Refusal('--format csv or --format jsonl has to say what the file is')
}

async function openFile(path: string): Promise<Readable> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const stream = createReadStream(path)
  // A folder opens, and only its first byte is refused.
  stream.once('readable', () => resolve())
  stream.once('error', reject)
  await promise.catch(() => {
    throw new Refusal(`the file ${path} cannot be read`)
  })
  return stream
}

/** Reads the whole file, a batch at a time, into a table of this transaction, and looks for what is wrong with it. */
async function stageFile(
  { out }: Context,
  trx: Kysely<DB>,
  records: ReturnType<typeof readRecords>,
  skipsExisting: boolean,
): Promise<Looked> {
  const errors: LineError[] = []
  let read = 0
  let batch: StagedUser[] = []
  await createStage(trx)
  for await (const { line, value, problem } of records) {
    read++
    const user = problem === undefined ? readUser(line, value) : [{ line, detail: problem }]
    if (!Array.isArray(user)) batch.push({ line, ...user })
    else if (errors.length < MAX_ERRORS) errors.push(...user)
    if (batch.length < BATCH) continue
    await stageUsers(trx, batch)
    batch = []
    out.progress(`${read} users read`)
  }
  await stageUsers(trx, batch)
  const skipped = skipsExisting ? await unstageKnown(trx) : 0
  const conflicts = await findConflicts(trx, MAX_ERRORS)
  const all = [...errors, ...conflicts].toSorted((a, b) => a.line - b.line)
  return { read, skipped, errors: all.slice(0, MAX_ERRORS) }
}

async function refuse({ out }: Context, read: number, errors: readonly LineError[]): Promise<void> {
  for (const { line, field, detail } of errors)
    out.note(`line ${line}: ${field === undefined ? '' : `${field}: `}${detail}`)
  if (errors.length === MAX_ERRORS) out.note(`… the first ${MAX_ERRORS} are shown`)
  out.note('error: the file has errors; nothing was imported')
  if (out.isJson) await out.document({ read, imported: 0, errors })
  out.exitCode = 1
}
