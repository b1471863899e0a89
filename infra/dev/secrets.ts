import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { homeFolder } from './places.ts'
import { StopError } from './stop-error.ts'

const SecretsSchema = Type.Object({
  /** Passwords of PostgreSQL's superuser and of the two services' roles. */
  postgres: Type.String(),
  auth: Type.String(),
  content: Type.String(),
  redis: Type.String(),
  /** Of the registered client `content`. */
  clientSecret: Type.String(),
  /** 32 bytes in base64. */
  keyEncryptionKey: Type.String(),
})
export type Secrets = Static<typeof SecretsSchema>

const Secrets = Compile(SecretsSchema)

export interface KeptSecrets extends Secrets {
  /** Whether they were made just now. */
  readonly fresh: boolean
}

/**
 * The secrets of this checkout, made at the first call and kept in `.portcullis/secrets.json`, which only the
 * user who started can read.
 *
 * @throws StopError if the file is there but broken: new secrets would not open the data that are there.
 */
export function loadSecrets(): KeptSecrets {
  const file = join(homeFolder(), 'secrets.json')
  if (existsSync(file)) {
    try {
      return { ...Secrets.Parse(JSON.parse(readFileSync(file, 'utf8'))), fresh: false }
    } catch {
      throw new StopError(`${file} cannot be read. Restore it, or delete .portcullis/ and with it all data`)
    }
  }
  const { fresh, ...secrets } = newSecrets()
  writeFileSync(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return { ...secrets, fresh }
}

/** Secrets that nobody has used. */
export function newSecrets(): KeptSecrets {
  const password = () => randomBytes(24).toString('base64url')
  return {
    postgres: password(),
    auth: password(),
    content: password(),
    redis: password(),
    clientSecret: randomBytes(32).toString('base64url'),
    keyEncryptionKey: randomBytes(32).toString('base64'),
    fresh: true,
  }
}
