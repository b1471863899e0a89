import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { Type, type TObject } from 'typebox'
import { ConfigError } from '@portcullis/service-kit'
import * as auth from '../../services/auth/src/config.ts'
import * as content from '../../services/content/src/config.ts'
import { root } from '../dev/places.ts'

/** A port on which somebody listens until the test has ended. */
async function takenPort(t: Test): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const KEY = Buffer.alloc(32, 1).toString('base64')
const SHARED = {
  ISSUER: 'http://localhost:8080',
  DATABASE_URL: 'postgres://role:secret-password@127.0.0.1:1/database',
  CACHE_REDIS_URL: 'redis://127.0.0.1:1/0',
  REVOCATION_REDIS_URL: 'redis://127.0.0.1:1/1',
}

const SERVICES = {
  auth: {
    schema: auth.ConfigSchema as TObject,
    read: auth.readConfig,
    env: { ...SHARED, SESSION_REDIS_URL: 'redis://127.0.0.1:1/2', KEY_ENCRYPTION_KEY: KEY },
  },
  content: {
    schema: content.ConfigSchema as TObject,
    read: content.readConfig,
    env: {
      ...SHARED,
      JWKS_URL: 'http://127.0.0.1:1/jwks.json',
      AUTH_URL: 'http://127.0.0.1:1',
      CLIENT_SECRET: 'x'.repeat(32),
    },
  },
} as const

/** Fits no setting: too long, no number, no address, none of the words that are known. */
const NONSENSE = `${'not a value '.repeat(100)}\u0007`

function errorsOf(read: (env: NodeJS.ProcessEnv) => unknown, env: Record<string, string>): readonly string[] {
  try {
    read(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.errors
    throw error
  }
}

for (const [name, { schema, read, env }] of Object.entries(SERVICES)) {
  t.test(`${name} starts with what it needs and nothing more`, async (t) => {
    t.strictSame(errorsOf(read, env), [])
  })

  t.test(`each setting that ${name} needs is missed, alone and with all others`, async (t) => {
    t.strictSame(
      errorsOf(read, {}),
      Object.keys(env)
        .map((key) => `${key} is not set`)
        .toSorted(byOrder(schema)),
    )
    for (const key of Object.keys(env)) {
      const { [key]: _, ...others } = env as Record<string, string>
      t.strictSame(errorsOf(read, others), [`${key} is not set`])
    }
  })

  t.test(
    `each malformed setting of ${name} is named, and all of them at once, without their values`,
    async (t) => {
      const keys = Object.keys(schema.properties)
      for (const key of keys) {
        const errors = errorsOf(read, { ...env, [key]: NONSENSE })
        t.equal(errors.length, 1, key)
        t.ok(errors[0]?.startsWith(`${key} `), key)
      }
      const all = errorsOf(read, Object.fromEntries(keys.map((key) => [key, NONSENSE])))
      t.strictSame(new Set(all.map((error) => error.split(' ', 1)[0])), new Set(keys))
      t.notOk(all.some((error) => error.includes('not a value')))
    },
  )

  t.test(`each setting of ${name} that is also given as a file is a contradiction`, async (t) => {
    for (const key of Object.keys(schema.properties)) {
      const { [key]: value = 'given', ...others } = env as Record<string, string>
      const errors = errorsOf(read, { ...others, [key]: value, [`${key}_FILE`]: '/nowhere' })
      t.strictSame(errors, [`${key} and ${key}_FILE are both set`])
      const unread = errorsOf(read, { ...others, [`${key}_FILE`]: '/nowhere' })
      t.strictSame(unread, [`${key} cannot be read from the file that ${key}_FILE names`])
    }
  })

  t.test(`${name} writes every error, ends with 78 and opens no port`, async (t) => {
    // Taken: who opened them would say so and end otherwise.
    const [port, metricsPort] = [await takenPort(t), await takenPort(t)]
    const wrong = {
      ...env,
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      RATE_LIMIT_MAX: 'many',
      ISSUER: '',
      LOG_LEVEL: 'loud',
    }
    const child = spawn(
      process.execPath,
      ['--conditions=@portcullis/source', `services/${name}/src/server.ts`],
      {
        cwd: root,
        env: { PATH: process.env['PATH'], LD_LIBRARY_PATH: process.env['LD_LIBRARY_PATH'], ...wrong },
      },
    )
    let [output, errors] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    await once(child, 'close')
    t.equal(child.exitCode, 78)
    t.equal(output, '')
    t.notMatch(errors, 'EADDRINUSE')
    for (const key of ['RATE_LIMIT_MAX', 'ISSUER', 'LOG_LEVEL']) t.match(errors, `configuration: ${key} `)
    t.notMatch(errors, /secret-password|loud|many/)
  })
}

t.test('settings that contradict each other are named beside those that are malformed', async (t) => {
  const errors = errorsOf(auth.readConfig, {
    ...SERVICES.auth.env,
    KEY_ENCRYPTION_KEY_PREVIOUS: KEY,
    REFRESH_IDLE_SECONDS: '100',
    REFRESH_ABSOLUTE_SECONDS: '99',
    ARGON2_PARALLELISM: '16',
    ARGON2_MEMORY_KIB: '8',
    PORT: '7000',
    METRICS_PORT: '7000',
    LOG_LEVEL: 'loud',
  })
  t.strictSame(
    new Set(errors.map((error) => error.split(' ', 1)[0])),
    new Set([
      'KEY_ENCRYPTION_KEY_PREVIOUS',
      'REFRESH_IDLE_SECONDS',
      'ACCESS_TTL_SECONDS',
      'ARGON2_MEMORY_KIB',
      'METRICS_PORT',
      'LOG_LEVEL',
    ]),
  )
  t.strictSame(
    errorsOf(content.readConfig, { ...SERVICES.content.env, PORT: '7000', METRICS_PORT: '7000' }),
    ['METRICS_PORT is the same as PORT'],
  )
})

/** The order in which the schema has its settings. */
function byOrder(schema: TObject) {
  const keys = Object.keys(schema.properties)
  const place = (error: string) => keys.indexOf(error.split(' ', 1)[0] ?? '')
  return (a: string, b: string) => place(a) - place(b)
}

t.test('every setting of a service has a type that can be refused', async (t) => {
  for (const { schema } of Object.values(SERVICES))
    for (const [key, property] of Object.entries(schema.properties))
      t.notOk(
        Type.IsString(property) &&
          !('format' in property || 'pattern' in property || 'maxLength' in property),
        key,
      )
})

t.test(
  'each setting that a command of portcullis needs is missed, and each malformed one named',
  async (t) => {
    for (const [command, schema] of Object.entries(auth.commandConfigs) as [string, TObject][]) {
      const read = (env: NodeJS.ProcessEnv) => auth.readCommandConfig(schema, env)
      const required: readonly string[] = schema.required ?? []
      t.ok(required.includes('DATABASE_URL'), command)
      const missed = errorsOf(read, {}).filter((error) => error.endsWith(' is not set'))
      t.strictSame(
        new Set(missed),
        new Set(required.filter(isNeeded(schema)).map((key) => `${key} is not set`)),
      )
      for (const key of Object.keys(schema.properties)) {
        // Passwords of people are looked at by the command itself, which says more of them.
        if (key === 'ADMIN_PASSWORD') continue
        t.ok(
          errorsOf(read, { [key]: NONSENSE }).some(
            (error) => error.startsWith(`${key} `) && !error.includes(NONSENSE),
          ),
          `${command} ${key}`,
        )
      }
    }
  },
)

t.test('content takes every id and secret of a client that the commands take, and no other', async (t) => {
  const register = (env: Record<string, string>) =>
    errorsOf((all) => auth.readCommandConfig(auth.commandConfigs.clients, all), {
      DATABASE_URL: SHARED.DATABASE_URL,
      ...env,
    })
  const follow = (env: Record<string, string>) =>
    errorsOf(content.readConfig, { ...SERVICES.content.env, ...env })
  for (const [length, isGood] of [
    [31, false],
    [32, true],
    [256, true],
    [257, false],
  ] as const) {
    const env = { CLIENT_SECRET: 'x'.repeat(length) }
    t.equal(register(env).length === 0, isGood, `clients create: ${length} characters`)
    t.strictSame(follow(env), register(env), `content: ${length} characters`)
  }
  for (const CLIENT_ID of ['a', 'Orders.eu_1-x', 'x'.repeat(64)]) t.strictSame(follow({ CLIENT_ID }), [])
  for (const CLIENT_ID of ['a b', 'a:b', 'a/b', 'ä', '.', '..', 'x'.repeat(65)])
    t.match(follow({ CLIENT_ID }), [/^CLIENT_ID must be 1 to 64 letters, digits, dots/], CLIENT_ID)
})

/** What has a default is there. */
function isNeeded(schema: TObject) {
  return (key: string) => !('default' in Object(schema.properties[key]))
}
