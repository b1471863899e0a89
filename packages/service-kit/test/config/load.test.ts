import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Type, type TObject } from 'typebox'
import { ConfigError, commonSettings, loadConfig, originsOf, trustProxyOf } from '@portcullis/service-kit'

const Schema = Type.Object({
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 3000 }),
  RATIO: Type.Optional(Type.Number()),
  DEBUG: Type.Boolean({ default: false }),
  SECRET: Type.String({ minLength: 8 }),
  URL: Type.String({ format: 'postgres-url' }),
  MODE: Type.Union([Type.Literal('on'), Type.Literal('off')], { default: 'on' }),
})
const GOOD = { SECRET: 'long enough', URL: 'postgres://me:secret@db:5432/name' }

function errorsOf(schema: TObject, env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig(schema, env)
  } catch (error) {
    if (error instanceof ConfigError) return error.errors
    throw error
  }
  return []
}

t.test('settings take the types of the schema, and its defaults', async (t) => {
  t.strictSame(loadConfig(Schema, { ...GOOD, PORT: '8080', RATIO: '0.5', DEBUG: 'true' }), {
    ...GOOD,
    PORT: 8080,
    RATIO: 0.5,
    DEBUG: true,
    MODE: 'on',
  })
  t.strictSame(loadConfig(Schema, { ...GOOD, PORT: '' }), { ...GOOD, PORT: 3000, DEBUG: false, MODE: 'on' })
})

t.test('every setting at fault is named at once', async (t) => {
  const errors = errorsOf(Schema, {
    PORT: '70000',
    RATIO: 'much',
    DEBUG: 'yes',
    SECRET: 'short',
    MODE: 'maybe',
  })
  const names = errors.map((error) => error.split(' ')[0])
  t.strictSame(new Set(names), new Set(['PORT', 'RATIO', 'DEBUG', 'SECRET', 'URL', 'MODE']))
})

t.test('no value is repeated in an error', async (t) => {
  const errors = errorsOf(Schema, { PORT: 'abc', SECRET: 'hunter2', URL: 'http://me:hunter2@db' })
  t.notMatch(errors.join('\n'), /hunter2|abc/)
})

t.test('numbers are not guessed', async (t) => {
  for (const PORT of ['0x10', '1e3', ' 1', '1.5', '99999999999999999999'])
    t.match(errorsOf(Schema, { ...GOOD, PORT }), [/^PORT /], PORT)
})

t.test('a secret can be mounted as a file', async (t) => {
  const folder = t.testdir({ secret: 'from a file\n', empty: '\n' })
  const env = { URL: GOOD.URL, SECRET_FILE: join(folder, 'secret') }
  t.equal(loadConfig(Schema, env).SECRET, 'from a file')
  t.match(errorsOf(Schema, { ...env, SECRET: 'long enough' }), ['SECRET and SECRET_FILE are both set'])
  t.match(errorsOf(Schema, { ...env, SECRET_FILE: join(folder, 'none') }), [/^SECRET cannot be read/])
  const empty = { ...env, SECRET_FILE: join(folder, 'empty') }
  t.match(errorsOf(Schema, empty), ['SECRET is not set'], 'an empty file is as good as none')
  writeFileSync(join(folder, 'secret'), 'short')
  t.match(errorsOf(Schema, env), [/^SECRET /])
})

t.test('addresses are checked for what they are to be', async (t) => {
  const Common = Type.Object(commonSettings)
  const good = {
    ISSUER: 'https://id.example.com',
    AUDIENCE: 'api',
    DATABASE_URL: GOOD.URL,
    CACHE_REDIS_URL: 'redis://localhost:6379/0',
    REVOCATION_REDIS_URL: 'rediss://user:pass@redis.example.com/1',
  }
  t.equal(errorsOf(Common, good).length, 0)
  const bad = {
    ISSUER: 'https://id.example.com/',
    AUDIENCE: ' \t',
    DATABASE_URL: 'mysql://localhost/x',
    CACHE_REDIS_URL: 'redis://localhost/cache',
    REVOCATION_REDIS_URL: 'localhost:6379',
    TRUST_PROXY: 'everybody',
    CORS_ORIGINS: 'https://a.example.com, https://b.example.com/path',
    LOG_LEVEL: 'loud',
  }
  for (const [name, value] of Object.entries(bad))
    t.match(errorsOf(Common, { ...good, [name]: value }), [new RegExp(`^${name} `)], name)
})

t.test('what PostgreSQL could not be reached with is told before, without the password', (t) => {
  const Database = Type.Object({ DATABASE_URL: Type.String({ format: 'postgres-url' }) })
  const folder = t.testdir({ 'ca.crt': 'text' })
  const good = `postgres://u:%C3%A9@host/db?sslmode=verify-full&sslrootcert=${join(folder, 'ca.crt')}`
  t.strictSame(errorsOf(Database, { DATABASE_URL: good }), [])
  for (const [DATABASE_URL, reason] of [
    ['postgres://u:hunter2%e9x@host/db', /a % that stands for nothing$/],
    ['postgres://u%zz:hunter2@host/db', /a % that stands for nothing$/],
    ['postgres://u:hunter2@host/db?sslrootcert=/none/ca.crt', /in sslrootcert .*: \/none\/ca\.crt$/],
    ['postgres://u:hunter2@host/db?sslmode=verify-full&sslcert=/none/me.crt', /in sslcert /],
    [`postgres://u:hunter2@host/db?sslkey=${folder}`, /in sslkey /],
  ] as const) {
    t.match(errorsOf(Database, { DATABASE_URL }), [/^DATABASE_URL /])
    t.match(errorsOf(Database, { DATABASE_URL }), [reason])
    t.notMatch(errorsOf(Database, { DATABASE_URL }), [/hunter2/])
  }
  t.end()
})

t.test('a URL of what is to be made has to name role, password and database', async (t) => {
  const Database = Type.Object({ DATABASE_URL: Type.String({ format: 'postgres-owner-url' }) })
  t.strictSame(errorsOf(Database, { DATABASE_URL: 'postgres://r:p%40@host/d%C3%A9' }), [])
  for (const [DATABASE_URL, reason] of [
    ['postgres://host/db', /^DATABASE_URL must name the role, its password and the database/],
    ['postgres://role@host/db', /must name the role, its password/],
    ['postgres://role:hunter2@host', /must name the role, its password/],
    ['postgres://role:hunter2@host/', /must name the role, its password/],
    ['postgres://role:hunter2@host/d%zz', /a database with a % that stands for nothing$/],
    ['postgres://role:hunter2%@host/db', /a user or a password with a % that stands for nothing$/],
    ['mysql://role:hunter2@host/db', /must be a URL such as postgres:/],
  ] as const) {
    t.match(errorsOf(Database, { DATABASE_URL }), [reason])
    t.notMatch(errorsOf(Database, { DATABASE_URL }), [/hunter2/])
  }
})

/** A setting for each format of a URL that may hold a password, and one that is good. */
const URLS = {
  'postgres-url': 'postgres://u:hunter2@host/db',
  'redis-url': 'redis://u:hunter2@host:6379/1',
  'collector-url': 'https://u:hunter2@host/traces',
  'http-url': 'https://host/path',
}

t.test(
  'a URL with white space is refused: whoever is given the text would not find what was checked',
  (t) => {
    const folder = t.testdir()
    for (const [format, url] of Object.entries(URLS)) {
      const Setting = Type.Object({ URL: Type.String({ format }) })
      t.strictSame(errorsOf(Setting, { URL: url }), [], format)
      const inside = url.replace('host', 'ho\tst')
      for (const URL of [
        ` ${url}`,
        `${url} `,
        `${url}\n`,
        `\u00A0${url}`,
        inside,
        `${url}\u0000`,
        `${url}/a b`,
      ]) {
        t.match(errorsOf(Setting, { URL }), [/^URL has white space/], `${format} ${JSON.stringify(URL)}`)
        t.notMatch(errorsOf(Setting, { URL }), [/hunter2/])
      }
      const file = join(folder, format)
      writeFileSync(file, `${url}\n`)
      t.strictSame(
        errorsOf(Setting, { URL_FILE: file }),
        [],
        `${format}: the last line break of a file is none`,
      )
      writeFileSync(file, `${url} \n`)
      t.match(
        errorsOf(Setting, { URL_FILE: file }),
        [/^URL has white space/],
        `${format}: a blank before it is`,
      )
    }
    t.end()
  },
)

t.test(
  'a URL that is fetched has no user and password, which fetch would refuse and repeat in the log',
  (t) => {
    const Setting = Type.Object({ URL: Type.String({ format: 'http-url' }) })
    for (const URL of ['http://u:hunter2@host/path', 'https://u@host', 'https://:hunter2@host'])
      t.strictSame(errorsOf(Setting, { URL }), ['URL must be without user and password'])
    t.end()
  },
)

t.test('TRUST_PROXY takes addresses and networks, and says so of anything else', async (t) => {
  const Proxies = Type.Object({ TRUST_PROXY: Type.String({ format: 'trust-proxy' }) })
  for (const TRUST_PROXY of ['true', 'false', '127.0.0.1,::1', '10.0.0.0/8, fd00::/8', '2001:db8::1/128'])
    t.strictSame(errorsOf(Proxies, { TRUST_PROXY }), [], TRUST_PROXY)
  for (const TRUST_PROXY of [
    '2',
    'foo',
    'abc',
    '10.0.0.0/33',
    '::1/129',
    '10.0.0.0/',
    '10.0.0/8',
    '127.0.0.1,',
  ])
    t.match(
      errorsOf(Proxies, { TRUST_PROXY }),
      [/^TRUST_PROXY must be true, false, or addresses/],
      TRUST_PROXY,
    )
})

t.test('TRUST_PROXY and CORS_ORIGINS become what Fastify takes', async (t) => {
  t.equal(trustProxyOf('false'), false)
  t.equal(trustProxyOf(''), false)
  t.equal(trustProxyOf('true'), true)
  t.equal(trustProxyOf('127.0.0.1,10.0.0.0/8'), '127.0.0.1,10.0.0.0/8')
  t.strictSame(originsOf(' https://a.example.com,,https://b.example.com '), [
    'https://a.example.com',
    'https://b.example.com',
  ])
})
