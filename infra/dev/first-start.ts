import { join } from 'node:path'
import { hasDatabases, isCurrent, makeDatabase, serviceUrl, takeInventory } from './databases.ts'
import { root, type ServiceName } from './places.ts'
import { runProgram } from './run-program.ts'
import { say } from './screen.ts'
import type { KeptSecrets } from './secrets.ts'
import { CONTENT_CLIENT } from './services.ts'
import { StopError } from './stop-error.ts'

const SERVICES: readonly ServiceName[] = ['auth', 'content']

export interface FirstStart {
  /** URLs, each with the service's own role. */
  readonly databases: Readonly<Record<ServiceName, string>>
  /** Of the first admin, which nobody will tell again; undefined if it was there or its password was given. */
  readonly adminPassword: string | undefined
}

/**
 * Makes what is missing: databases and roles, what migrations make of them, the first admin, and content as a
 * registered client.
 *
 * @throws StopError if the databases belong to another checkout.
 */
export async function makeWhatIsMissing(adminUrl: string, secrets: KeptSecrets): Promise<FirstStart> {
  if (secrets.fresh && (await hasDatabases(adminUrl))) {
    throw new StopError(
      'the databases portcullis_auth and portcullis_content are there, but not .portcullis/secrets.json with the ' +
        'key that opens them: bring that file from the checkout that made them, or drop both databases',
    )
  }
  const databases = {
    auth: serviceUrl(adminUrl, 'auth', secrets.auth),
    content: serviceUrl(adminUrl, 'content', secrets.content),
  }
  const applied = await Promise.all(
    SERVICES.map(async (service) => {
      // What migrates takes a third of a second to load alone, and mostly has nothing to do.
      if (await isCurrent(service, databases[service])) return []
      return makeDatabase(service, adminUrl, databases[service])
    }),
  )
  const count = applied.flat().length
  if (count > 0) say('databases', `portcullis_auth, portcullis_content: ${count} migrations applied`)

  const { hasAdmin, hasClient } = await takeInventory(databases.auth, CONTENT_CLIENT.id)
  const env = { ...process.env, DATABASE_URL: databases.auth, KEY_ENCRYPTION_KEY: secrets.keyEncryptionKey }
  const [admin] = await Promise.all([
    hasAdmin ? '' : portcullis(['create-admin', '--if-none'], env),
    hasClient ? '' : makeClient(env, secrets.clientSecret),
  ])
  return { databases, adminPassword: /^password: (.*)$/m.exec(admin)?.[1] }
}

function makeClient(env: NodeJS.ProcessEnv, secret: string): Promise<string> {
  const args = ['clients', 'create', CONTENT_CLIENT.id, '--scope', CONTENT_CLIENT.scope, '--if-none']
  return portcullis(args, { ...env, CLIENT_SECRET: secret })
}

/** Runs a command of the CLI and gives what it prints. */
export async function portcullis(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const program = join(root, 'services/auth/src/cli/portcullis.ts')
  const command = ['--conditions=@portcullis/source', program, ...args]
  const { code, text, errors } = await runProgram(process.execPath, command, { env })
  if (code !== 0) throw new StopError(`portcullis ${args[0]} failed: ${errors.trim()}`)
  return text
}
