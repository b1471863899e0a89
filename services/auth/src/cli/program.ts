import { Command, CommanderError } from 'commander'
import {
  ConfigError,
  DatabaseRefusal,
  EXIT_CONFIG,
  ProblemError,
  databaseErrorOf,
  databaseFailure,
} from '@portcullis/service-kit'
import { addClientsCommands } from './clients.ts'
import { Context, Refusal, type Shell } from './context.ts'
import { addCreateAdminCommand } from './create-admin.ts'
import { addDoctorCommand } from './doctor.ts'
import { addKeysCommands } from './keys.ts'
import { addMigrateCommand } from './migrate.ts'
import { addProvisionCommand } from './provision.ts'
import { addRevokeAllCommand } from './revoke-all.ts'
import { addSessionsCommands } from './sessions.ts'
import { addUsersCommands } from './users.ts'

const UNDEFINED_TABLE = '42P01'
const INSUFFICIENT_PRIVILEGE = '42501'

const HELP = `
Settings come from the environment, as for the services, secrets also from files (NAME_FILE); DATABASE_URL names the
database of auth. What is revoked is waited for if REVOCATION_REDIS_URL is set.

Exit codes:
  0   done
  1   refused or failed; standard error says why
  2   done, but a verifier has not said in time that it knows; SIGINT and SIGTERM end the wait for it
  78  the settings are wrong; standard error names each`

function createProgram(context: Context): Command {
  const program = new Command('portcullis')
    .description('Administers Portcullis: its databases, users, sessions, clients and keys')
    .option('--json', 'answer in JSON: one document, or a line for each of many')
    .addHelpText('after', HELP)
    .showHelpAfterError('(--help tells more)')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.shell.stdout.write(text),
      writeErr: (text) => context.shell.stderr.write(text),
    })
    .hook('preAction', (top) => {
      context.out.isJson = top.opts()['json'] === true
    })
  addProvisionCommand(program, context)
  addMigrateCommand(program, context)
  addCreateAdminCommand(program, context)
  addDoctorCommand(program, context)
  addUsersCommands(program, context)
  addSessionsCommands(program, context)
  addClientsCommands(program, context)
  addKeysCommands(program, context)
  addRevokeAllCommand(program, context)
  return program
}

/**
 * Runs a command of `portcullis`.
 *
 * @param args without the names of program and script
 * @returns the exit code
 * @throws what nobody foresaw
 */
export async function runProgram(args: readonly string[], shell: Shell): Promise<number> {
  const context = new Context(shell)
  try {
    await createProgram(context).parseAsync(args, { from: 'user' })
    return context.out.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    if (error instanceof ConfigError) {
      for (const message of error.errors) context.out.note(`configuration: ${message}`)
      return EXIT_CONFIG
    }
    const reason = reasonOf(error)
    if (reason === undefined) throw error
    context.out.note(`error: ${reason}`)
    return 1
  }
}

/** Failures that happen in good order; others are defects, and shown with their stack. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof Refusal || error instanceof DatabaseRefusal) return error.message
  if (error instanceof ProblemError) return reasonOf(error.cause) ?? error.message
  const code = databaseErrorOf(error)?.code
  if (code === UNDEFINED_TABLE)
    return 'the database has not been migrated: `portcullis migrate`, or provision it'
  if (code === INSUFFICIENT_PRIVILEGE && error instanceof Error)
    return `the role that the URL of the database names may not do that: ${error.message}`
  const failure = databaseFailure(error)
  if (failure === undefined || !(error instanceof Error)) return undefined
  const how = error instanceof AggregateError ? String(error.errors[0]) : error.message
  if (failure === 'unavailable')
    return `the database does not answer, and nothing was changed: ${how}; \`portcullis doctor\` looks at DATABASE_URL`
  if (failure === 'lost')
    return `the connection to the database broke; whether the change was made is not known: ${how}`
  return 'somebody else changed the same at the same time, and nothing was changed here; try again'
}
