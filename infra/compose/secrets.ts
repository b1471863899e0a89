// Makes what is missing of the secrets, each into a volume of those who need it: `make`; `show NAME` prints one,
// `rotate NAME` makes it anew, `set NAME` takes it from standard input. docs/operations.md tells what to do then.
// A volume is mounted by its owner alone, so its files may be readable for whatever user its owner runs as.
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { redisUsers } from './redis-users.ts'

const ROOT = '/secrets'
/** Held by nobody else: what all other files are derived from. */
const MASTER = `${ROOT}/setup/secrets.json`
/** Whether there are two of everything. The services then reach PostgreSQL by what knows which of the two leads. */
const isPair = process.env['COMPOSE_PROFILES']?.split(',').includes('ha') === true
const SENTINELS = 'node=sentinel-2:26379&node=sentinel-3:26379&sentinelServiceName=portcullis'
const DATABASE = isPair ? 'database:5432' : 'postgres:5432'

const password = () => randomBytes(24).toString('base64url')

function newSecrets() {
  return {
    postgres: password(),
    postgres_auth: password(),
    postgres_content: password(),
    postgres_replication: password(),
    redis_auth: password(),
    redis_content: password(),
    redis_replication: password(),
    client_secret: randomBytes(32).toString('base64url'),
    key_encryption_key: randomBytes(32).toString('base64'),
    /** Opens what is sealed under the one before; none before the first rotation. */
    key_encryption_key_previous: '',
    admin_password: password(),
    grafana_admin_password: password(),
  }
}

type Secrets = ReturnType<typeof newSecrets>

/** Those that were made before, and new ones for what is missing. */
function readSecrets(): Secrets {
  const secrets = newSecrets()
  if (!existsSync(MASTER)) return secrets
  const known: unknown = JSON.parse(readFileSync(MASTER, 'utf8'))
  for (const name of Object.keys(secrets)) {
    const value: unknown = Reflect.get(Object(known), name)
    if (typeof value === 'string') Reflect.set(secrets, name, value)
  }
  return secrets
}

function make(changes: Partial<Secrets> = {}): void {
  const secrets = { ...readSecrets(), ...changes }
  write(MASTER, JSON.stringify(secrets, null, 2), 0o400)
  for (const [name, text] of Object.entries(filesOf(secrets))) write(`${ROOT}/${name}`, text, 0o444)
  // What keeps who leads runs as another user, and nobody else mounts it.
  chmodSync(`${ROOT}/state`, 0o777)
}

function filesOf(secrets: Secrets): Record<string, string> {
  const database = (name: 'auth' | 'content') =>
    `postgres://portcullis_${name}:${secrets[`postgres_${name}`]}@${DATABASE}/portcullis_${name}`
  const redis = (user: 'auth' | 'content', number: number) =>
    isPair
      ? `redis-sentinel://${user}:${secrets[`redis_${user}`]}@sentinel-1:26379/${number}?${SENTINELS}`
      : `redis://${user}:${secrets[`redis_${user}`]}@redis:6379/${number}`
  return {
    'postgres/postgres_password': secrets.postgres,
    'postgres/replication_password': secrets.postgres_replication,
    'database/replication_password': secrets.postgres_replication,
    'redis/replication_password': secrets.redis_replication,
    'redis/users.acl': usersFile(secrets),
    'setup/postgres_admin_url': `postgres://postgres:${secrets.postgres}@${DATABASE}/postgres`,
    'setup/auth_database_url': database('auth'),
    'setup/content_database_url': database('content'),
    'setup/client_secret': secrets.client_secret,
    'setup/admin_password': secrets.admin_password,
    'auth/database_url': database('auth'),
    'auth/cache_redis_url': redis('auth', 0),
    'auth/revocation_redis_url': redis('auth', 1),
    'auth/session_redis_url': redis('auth', 2),
    'auth/key_encryption_key': secrets.key_encryption_key,
    'auth/key_encryption_key_previous': secrets.key_encryption_key_previous,
    'content/database_url': database('content'),
    'content/cache_redis_url': redis('content', 0),
    'content/revocation_redis_url': redis('content', 1),
    'content/client_secret': secrets.client_secret,
    'grafana/admin_password': secrets.grafana_admin_password,
  }
}

function usersFile({ redis_auth, redis_content, redis_replication }: Secrets): string {
  const hash = (text: string) => `#${createHash('sha256').update(text).digest('hex')}`
  const logins = {
    auth: hash(redis_auth),
    content: hash(redis_content),
    replication: hash(redis_replication),
  }
  return redisUsers(logins).join('\n')
}

/** Whole or not at all. */
function write(path: string, text: string, mode: number): void {
  if (existsSync(path) && readFileSync(path, 'utf8').trimEnd() === text) return
  // What was left by one that was killed cannot be opened, by root without any capability.
  rmSync(`${path}.new`, { force: true })
  writeFileSync(`${path}.new`, `${text}\n`, { mode })
  renameSync(`${path}.new`, path)
}

function rotate(name: keyof Secrets): void {
  const { key_encryption_key, key_encryption_key_previous } = readSecrets()
  if (name !== 'key_encryption_key') return make({ [name]: newSecrets()[name] })
  // Whatever is still sealed under a key that is lost is lost with it.
  if (key_encryption_key_previous !== '')
    return refuse(
      'there is a previous one; when `portcullis doctor` says that it can go: secrets set key_encryption_key_previous < /dev/null',
    )
  make({ key_encryption_key: newSecrets()[name], key_encryption_key_previous: key_encryption_key })
}

function refuse(reason: string): void {
  console.error(reason)
  process.exitCode = 1
}

function isName(name: string): name is keyof Secrets {
  return Object.hasOwn(newSecrets(), name)
}

const [command, name = ''] = process.argv.slice(2)
if (command === 'make') make()
else if (command === 'show' && isName(name) && existsSync(MASTER)) console.log(readSecrets()[name])
else if (command === 'rotate' && isName(name)) rotate(name)
else if (command === 'set' && isName(name)) make({ [name]: readFileSync(0, 'utf8').trim() })
else
  refuse(
    `usage: secrets make | show NAME | rotate NAME | set NAME\nnames: ${Object.keys(newSecrets()).join(' ')}`,
  )
